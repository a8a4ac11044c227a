//! Pixels of real files against an independent decoder.

use crate::{
    support,
    syntaxes::{Table, named},
};
use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource as _},
        scan::{ScanOptions, read_instance},
        syntax::{self, Loss},
    },
    model::{
        pixels::{Frame, PixelBytes, StoredType},
        study::{Instance, RejectionKind},
    },
};
use sha2::{Digest as _, Sha256};

/// One row of REFERENCE.tsv.
struct Reference {
    path: String,
    syntax: String,
    photometric: String,
    /// Bits stored and allocated, for the table.
    bits: String,
    shape: Vec<usize>,
    dtype: String,
    min: f64,
    max: f64,
    mean: f64,
    sha256: String,
}

impl Reference {
    fn kind(&self) -> [String; 4] {
        let sign = match self.dtype.as_bytes().first() {
            Some(b'i') => "signed",
            Some(b'u') => "unsigned",
            _ => "float",
        };
        [
            named(&self.syntax),
            self.bits.clone(),
            sign.to_owned(),
            self.photometric.clone(),
        ]
    }
}

fn references() -> Vec<Reference> {
    let table = std::fs::read_to_string(support::data("REFERENCE.tsv")).unwrap();
    let mut lines = table.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    lines
        .filter(|row| row[column("decode")] == "ok")
        .map(|row| {
            let get = |name| row[column(name)];
            let number = |name| get(name).parse::<f64>().unwrap();
            Reference {
                path: get("path").to_owned(),
                syntax: get("transfer_syntax").to_owned(),
                photometric: get("photometric").to_owned(),
                bits: format!("{} / {}", get("bits_stored"), get("bits_alloc")),
                shape: get("shape")
                    .split('x')
                    .map(|n| n.parse().unwrap())
                    .collect(),
                dtype: get("dtype").to_owned(),
                min: number("min"),
                max: number("max"),
                mean: number("mean"),
                sha256: get("pixel_sha256").to_owned(),
            }
        })
        .collect()
}

const fn numpy_name(stored_type: StoredType) -> &'static str {
    match stored_type {
        StoredType::U8 => "uint8",
        StoredType::I8 => "int8",
        StoredType::U16 => "uint16",
        StoredType::I16 => "int16",
        StoredType::U32 => "uint32",
        StoredType::I32 => "int32",
        StoredType::F32 => "float32",
        StoredType::F64 => "float64",
    }
}

/// Mean of luma and chroma (PS3.3 C.7.6.3.1.2) from the means of red, green and blue.
fn mean_of_ybr(rgb: [f64; 3]) -> f64 {
    let [r, g, b] = rgb;
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let cb = -0.1687 * r - 0.3313 * g + 0.5 * b + 128.0;
    let cr = 0.5 * r - 0.4187 * g - 0.0813 * b + 128.0;
    (y + cb + cr) / 3.0
}

/// The tiles of a mosaic laid out again as the file has them; what no tile covers is zero.
fn matrix(source: &FileFrames, instance: &Instance, across: usize) -> Frame {
    let image = instance.image.as_ref().unwrap();
    let row = image.columns * image.stored_type.bytes();
    let mut bytes = vec![0; row * image.rows * across * across];
    for k in 0..image.frames {
        let tile = source.read_frame(instance, k).unwrap();
        for (y, line) in tile.pixels.as_slice().chunks_exact(row).enumerate() {
            let at = ((k / across * image.rows + y) * across + k % across) * row;
            bytes[at..at + row].copy_from_slice(line);
        }
    }
    Frame::new(
        image.rows * across,
        image.columns * across,
        1,
        image.stored_type,
        PixelBytes::from_vec(bytes),
    )
    .unwrap()
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn pixels_are_those_of_an_independent_decoder() {
    let source = FileFrames::default();
    let (mut exact, mut close, mut unsupported) = (0, 0, 0);
    let mut wrong: Vec<String> = Vec::new();
    let mut table = Table::default();
    for reference in references() {
        let path = support::data(&reference.path);
        let kind = reference.kind();
        let known = syntax::find(&reference.syntax);
        let instance = match read_instance(&path, &ScanOptions::default()) {
            Ok(instance) => instance,
            Err(rejection) => {
                let names_syntax = rejection.detail.contains(&reference.syntax);
                if rejection.outcome == RejectionKind::Unsupported && names_syntax {
                    unsupported += 1;
                } else {
                    wrong.push(format!(
                        "{}: {} {}",
                        reference.path, rejection.code, rejection.detail
                    ));
                }
                continue;
            }
        };
        let image = instance.image.as_ref().unwrap();
        let mut hash = Sha256::new();
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sums, mut count) = ([0.0; 3], 0usize);
        // The reference knows nothing of tiles.
        let mosaic = image.parts.mosaic;
        let whole = mosaic.map(|m| matrix(&source, &instance, m.across));
        for k in 0..if whole.is_some() { 1 } else { image.frames } {
            let frame = match whole
                .clone()
                .map_or_else(|| source.read_frame(&instance, k), Ok)
            {
                Ok(frame) => frame,
                Err(error) => {
                    wrong.push(format!(
                        "{}: frame {k}: {} {error}",
                        reference.path,
                        error.code()
                    ));
                    break;
                }
            };
            hash.update(frame.pixels.as_slice());
            for (i, value) in frame.values().enumerate() {
                min = min.min(value);
                max = max.max(value);
                sums[i % frame.samples] += value;
                count += 1;
            }
        }
        let across = mosaic.map_or(1, |m| m.across);
        let mut shape = vec![image.rows * across, image.columns * across];
        if image.frames > 1 && mosaic.is_none() {
            shape.insert(0, image.frames);
        }
        if image.samples > 1 {
            shape.push(image.samples);
        }
        if shape != reference.shape || numpy_name(image.stored_type) != reference.dtype {
            wrong.push(format!(
                "{}: {shape:?} {:?}, expected {:?} {}",
                reference.path, image.stored_type, reference.shape, reference.dtype
            ));
            continue;
        }
        let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        if digest == reference.sha256 {
            exact += 1;
            table.count(kind, 0);
            continue;
        }
        let ybr = reference.photometric.starts_with("YBR");
        let lossless = known.is_none_or(|s| s.loss == Loss::None);
        let mean = sums.iter().sum::<f64>() / count as f64;
        let pixels = (count / image.samples) as f64;
        let ybr_mean = mean_of_ybr(sums.map(|s| s / pixels));
        let described = format!(
            "{} ({} {}): min {min} max {max} mean {mean:.4} ybr {ybr_mean:.4}, expected {} {} {:.4}",
            reference.path,
            reference.syntax,
            reference.photometric,
            reference.min,
            reference.max,
            reference.mean
        );
        let range = (reference.max - reference.min).max(1.0);
        // Lossy decoders round their inverse transform differently: single pixels by a grey level, the mean of a
        // frame by far less (at most 0.016 here; ours are libjpeg-turbo's to the bit).
        let grey_close = (mean - reference.mean).abs() <= 0.0002 * range
            && (min - reference.min).abs() <= 1.0
            && (max - reference.max).abs() <= 1.0;
        // The reference does not convert colour; ours is RGB, which clips (at most 0.054 of 255 here).
        let colour_close = (ybr_mean - reference.mean).abs() <= 0.0004 * range
            || (mean - reference.mean).abs() <= 0.0001 * range;
        if (!lossless && image.samples == 1 && grey_close)
            || (image.samples == 3 && (ybr || !lossless) && colour_close)
        {
            close += 1;
            table.count(kind, 1);
        } else {
            wrong.push(described);
            table.count(kind, 2);
        }
    }
    println!("{}", table.text("Real files beside an independent decoder"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Counted once, so that nothing slips from one class to another unseen.
    assert_eq!((exact, close, unsupported), (438, 31, 0));
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn one_slice_is_the_same_in_every_lossless_syntax() {
    let folder = support::data("dicom-transfer-syntaxes");
    let source = FileFrames::default();
    let mut pixels = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let instance = read_instance(&path, &ScanOptions::default());
        let Ok(instance) = instance else { continue };
        // By name the syntax loses nothing, and the codestream does not say otherwise.
        let lossless = syntax::find(&instance.transfer_syntax_uid)
            .is_some_and(|s| s.loss == Loss::None || s.name.contains("Lossless"))
            && instance.image.as_ref().is_some_and(|i| i.lossy.is_none());
        if name.starts_with("CTImage") && lossless {
            pixels.push((name, source.read_frame(&instance, 0).unwrap()));
        }
    }
    // Implicit, explicit, big endian, deflated, RLE, JPEG lossless twice, JPEG-LS, JPEG 2000.
    assert_eq!(pixels.len(), 9);
    for (name, frame) in &pixels {
        assert_eq!(
            frame.pixels.as_slice(),
            pixels[0].1.pixels.as_slice(),
            "{name}"
        );
    }
}
