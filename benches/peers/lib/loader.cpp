// Two C++ toolkits as peers: the headers of a list of files, and their decoded pixels in one volume.
//
//   loader dcmtk-head|dcmtk-load|gdcm-head|gdcm-scan|gdcm-load LIST --repeat K
//
// LIST is a text file of one path a line. Prints one JSON object of wall_ms and cpu_ms, one value a run. Memory is
// fresh in every run. Built by rows.py, with WITH_DCMTK and WITH_GDCM where the headers are there.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#ifdef WITH_DCMTK
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>
#endif
#ifdef WITH_GDCM
#include <gdcmImageReader.h>
#include <gdcmReader.h>
#include <gdcmScanner.h>
#include <gdcmAttribute.h>
#include <gdcmTrace.h>
#endif

using Files = std::vector<std::string>;

namespace {

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "loader: %s\n", what.c_str());
    std::exit(2);
}

/// Slices in the order of their places along z; the peers' part of "ordered".
std::vector<size_t> ordered(const std::vector<double>& z) {
    std::vector<size_t> order(z.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return z[a] < z[b]; });
    return order;
}

#ifdef WITH_DCMTK
double dcmtk_place(DcmDataset& dataset) {
    Float64 z = 0;
    OFString series;
    if (dataset.findAndGetFloat64(DCM_ImagePositionPatient, z, 2).bad() ||
        dataset.findAndGetOFString(DCM_SeriesInstanceUID, series).bad()) {
        fail("a file without a place");
    }
    return z;
}

size_t dcmtk_head(const Files& files) {
    std::vector<double> z;
    for (const auto& file : files) {
        DcmFileFormat format;
        if (format.loadFileUntilTag(file.c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect,
                                    DCM_PixelData).bad()) {
            fail("DCMTK does not read a file");
        }
        z.push_back(dcmtk_place(*format.getDataset()));
    }
    return ordered(z).size();
}

size_t dcmtk_load(const Files& files) {
    std::vector<double> z;
    std::unique_ptr<uint16_t[]> volume;
    size_t pixels = 0;
    for (size_t i = 0; i < files.size(); ++i) {
        DcmFileFormat format;
        if (format.loadFile(files[i].c_str()).bad()) fail("DCMTK does not read a file");
        DcmDataset& dataset = *format.getDataset();
        if (dataset.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad()) {
            fail("DCMTK does not decode this transfer syntax");
        }
        const Uint16* from = nullptr;
        unsigned long count = 0;
        if (dataset.findAndGetUint16Array(DCM_PixelData, from, &count).bad()) fail("no pixels");
        if (i == 0) {
            pixels = count;
            volume.reset(new uint16_t[pixels * files.size()]);
        }
        if (count != pixels) fail("slices of different sizes");
        std::memcpy(volume.get() + i * pixels, from, pixels * 2);
        z.push_back(dcmtk_place(dataset));
    }
    return ordered(z).size();
}
#endif

#ifdef WITH_GDCM
double gdcm_place(const gdcm::DataSet& dataset) {
    gdcm::Attribute<0x0020, 0x0032> place;
    if (!dataset.FindDataElement(place.GetTag())) fail("a file without a place");
    place.SetFromDataSet(dataset);
    return place.GetValue(2);
}

size_t gdcm_head(const Files& files) {
    std::vector<double> z;
    for (const auto& file : files) {
        gdcm::Reader reader;
        reader.SetFileName(file.c_str());
        if (!reader.ReadUpToTag(gdcm::Tag(0x7fe0, 0x0010))) fail("GDCM does not read a file");
        z.push_back(gdcm_place(reader.GetFile().GetDataSet()));
    }
    return ordered(z).size();
}

size_t gdcm_scan(const Files& files) {
    gdcm::Scanner scanner;
    const gdcm::Tag series(0x0020, 0x000e), place(0x0020, 0x0032), number(0x0020, 0x0013);
    scanner.AddTag(series);
    scanner.AddTag(place);
    scanner.AddTag(number);
    if (!scanner.Scan(files)) fail("GDCM does not scan the files");
    std::vector<double> z;
    for (const auto& file : files) {
        const char* text = scanner.GetValue(file.c_str(), place);
        const char* last = text ? std::strrchr(text, '\\') : nullptr;
        if (!last) fail("a file without a place");
        z.push_back(std::strtod(last + 1, nullptr));
    }
    return ordered(z).size();
}

size_t gdcm_load(const Files& files) {
    std::vector<double> z;
    std::unique_ptr<char[]> volume;
    size_t bytes = 0;
    for (size_t i = 0; i < files.size(); ++i) {
        gdcm::ImageReader reader;
        reader.SetFileName(files[i].c_str());
        if (!reader.Read()) fail("GDCM does not read a file");
        const gdcm::Image& image = reader.GetImage();
        if (i == 0) {
            bytes = image.GetBufferLength();
            volume.reset(new char[bytes * files.size()]);
        }
        if (image.GetBufferLength() != bytes) fail("slices of different sizes");
        if (!image.GetBuffer(volume.get() + i * bytes)) fail("GDCM does not decode this transfer syntax");
        z.push_back(image.GetOrigin(2));
    }
    return ordered(z).size();
}
#endif

}  // namespace

int main(int count, char** arguments) {
    if (count != 5 || std::strcmp(arguments[3], "--repeat") != 0) fail("loader WHAT LIST --repeat K");
    const std::string what = arguments[1];
    std::function<size_t(const Files&)> work;
#ifdef WITH_DCMTK
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    DcmRLEDecoderRegistration::registerCodecs();
    if (what == "dcmtk-head") work = dcmtk_head;
    if (what == "dcmtk-load") work = dcmtk_load;
#endif
#ifdef WITH_GDCM
    gdcm::Trace::WarningOff();
    if (what == "gdcm-head") work = gdcm_head;
    if (what == "gdcm-scan") work = gdcm_scan;
    if (what == "gdcm-load") work = gdcm_load;
#endif
    if (!work) fail("built without " + what);
    Files files;
    std::ifstream list(arguments[2]);
    for (std::string line; std::getline(list, line);) files.push_back(line);
    if (files.empty()) fail("an empty list");
    std::string wall = "[", cpu = "[";
    const int repeat = std::max(1, std::atoi(arguments[4]));
    for (int run = 0; run < repeat; ++run) {
        const auto start = std::chrono::steady_clock::now();
        const std::clock_t before = std::clock();
        if (work(files) != files.size()) fail("slices are missing");
        const double cpu_ms = 1e3 * double(std::clock() - before) / CLOCKS_PER_SEC;
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
        wall += (run ? "," : "") + std::to_string(took.count());
        cpu += (run ? "," : "") + std::to_string(cpu_ms);
    }
    std::printf("{\"wall_ms\":%s],\"cpu_ms\":%s],\"frames\":%zu}\n", wall.c_str(), cpu.c_str(), files.size());
    return 0;
}
