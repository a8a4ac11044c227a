//! The command line: the same library code as the window, for scripts and checks.
//!
//! Results go to stdout, messages to stderr, both through [`Output`]; every command ends with an [`Exit`].
//! Identity is printed only with `--show-phi`. Nothing here opens a network connection.

mod agreement;
pub mod annotations;
pub mod anonymize;
pub mod audit;
#[cfg(feature = "ai")]
pub mod classify;
pub mod cohort;
pub mod content;
pub mod convert_labels;
pub mod dataset;
pub mod display;
pub mod doctor;
pub mod edit;
pub mod evaluate;
#[cfg(feature = "ai")]
pub mod explain;
pub mod export;
mod filtering;
pub mod hang;
pub mod inspect;
pub mod keys;
pub mod labels;
#[cfg(feature = "ai")]
mod lesions;
pub mod list;
pub mod masks;
pub mod measure;
#[cfg(feature = "ai")]
pub mod models;
pub mod pixels;
pub mod probe;
mod queue;
pub mod radiomics;
pub mod record;
pub mod render;
#[cfg(feature = "ai")]
pub mod segment;
pub mod series;
pub mod store;
mod suv;
pub mod tags;
#[cfg(feature = "ai")]
pub mod train;
pub mod user;
pub mod volume;

pub use crate::console as common;
pub use common::{Common, Exit, Output};

use clap::Subcommand;

/// The commands that need no window.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read files and folders and say what each is, or why it does not open
    Inspect(inspect::InspectArgs),
    /// What an object says beside or instead of a picture: reports, structure sets, waveforms, documents
    Content(content::ContentArgs),
    /// Marks and key images as DICOM files, and back
    Annotations(annotations::AnnotationsArgs),
    /// Copies of files in which nobody can be recognised (DICOM PS3.15 annex E)
    Anonymize(anonymize::AnonymizeArgs),
    /// All elements of an object: listed, searched, compared, or as the DICOM JSON Model
    Tags(tags::TagsArgs),
    /// Write one frame's pixels as a NumPy array
    Pixels(pixels::PixelsArgs),
    /// Draw one picture with the renderer that draws the window
    Render(render::RenderArgs),
    /// Measure: lengths, angles, areas, values inside an outline, volumes
    Measure(measure::MeasureArgs),
    /// Work on labels of a volume: margins, smoothing, islands, growing, watershed and more
    Labels(labels::LabelsArgs),
    /// Radiomic features of a segment
    Radiomics(radiomics::RadiomicsArgs),
    /// Write a series as a research volume: NIfTI, NRRD or MetaImage
    Volume(volume::VolumeArgs),
    /// Write a mask in another format: DICOM SEG, RT Structure Set, NIfTI, NRRD, MetaImage, PNG
    ConvertLabels(convert_labels::ConvertLabelsArgs),
    /// Write a set of pictures and masks for learning: nnU-Net, MONAI, COCO, PNG; from any of them or a list
    Dataset(dataset::DatasetArgs),
    /// Value, unit, voxel and patient point at a place
    Probe(probe::ProbeArgs),
    /// Which hanging protocol arranges a study: series by cell, stage by stage, and which prior is beside it
    Hang(hang::HangArgs),
    /// Run a model on a picture
    #[cfg(feature = "ai")]
    Segment(segment::SegmentArgs),
    /// Tell the class of a picture: calibrated probability, or no answer
    #[cfg(feature = "ai")]
    Classify(classify::ClassifyArgs),
    /// Show what a model's answer rests on, or where it is in doubt, as colours over the picture
    #[cfg(feature = "ai")]
    Explain(explain::ExplainArgs),
    /// The models that are known here
    #[cfg(feature = "ai")]
    Models(models::ModelsArgs),
    /// Train a network
    #[cfg(feature = "ai")]
    Train(train::TrainArgs),
    /// Compare predicted masks with true ones
    Evaluate(evaluate::EvaluateArgs),
    /// The encrypted store: make, look, verify, copy, repair
    Store(store::StoreArgs),
    /// Write what the store has of a patient for another program: the record as a FHIR bundle, and the image files
    Export(export::ExportArgs),
    /// Take everything about a patient out of the store
    ErasePatient(store::upkeep::EraseArgs),
    /// Accounts of the store and what they may do
    User(user::UserArgs),
    /// Who did what, and whether the log of it is whole
    Audit(audit::AuditArgs),
    /// Take studies into the store
    Import(store::ImportArgs),
    /// The studies in the store
    List(list::ListArgs),
    /// The patient's record: import and show
    Record(record::RecordArgs),
    /// How well readers agree: kappa of tags and grades, Dice of outlines
    Agreement(agreement::AgreementArgs),
    /// The case queue: what is to be labelled, by whom, how far it is
    Queue(queue::QueueArgs),
    /// Many patients at once: found, counted, written out without identity
    Cohort(cohort::CohortArgs),
    /// Which keys mean which command
    Keys(keys::KeysArgs),
    /// Test pictures for screens, and the standard grey-scale function
    Display(display::DisplayArgs),
    /// What this computer offers: adapter, limits, codecs, models
    Doctor(doctor::DoctorArgs),
    /// Apply edit operations read as JSON lines; each is acknowledged once it is durable
    Edit(edit::EditArgs),
}

/// Runs a command that needs no window.
pub fn run(command: Command, common: &Common, out: &mut Output) -> Exit {
    common.open_kept_files();
    match command {
        Command::Inspect(args) => inspect::run(&args, common, out),
        Command::Content(args) => content::run(&args, common, out),
        Command::Anonymize(args) => anonymize::run(&args, common, out),
        Command::Annotations(args) => annotations::run(&args, common, out),
        Command::Tags(args) => tags::run(&args, common, out),
        Command::Pixels(args) => pixels::run(&args, common, out),
        Command::Render(args) => render::run(&args, common, out),
        Command::Measure(args) => measure::run(&args, common, out),
        Command::Labels(args) => labels::run(&args, common, out),
        Command::Radiomics(args) => radiomics::run(&args, common, out),
        Command::Volume(args) => volume::run(&args, common, out),
        Command::ConvertLabels(args) => convert_labels::run(&args, common, out),
        Command::Dataset(args) => dataset::run(&args, common, out),
        Command::Probe(args) => probe::run(&args, common, out),
        Command::Hang(args) => hang::run(&args, common, out),
        #[cfg(feature = "ai")]
        Command::Segment(args) => segment::run(&args, common, out),
        #[cfg(feature = "ai")]
        Command::Classify(args) => classify::run(&args, common, out),
        #[cfg(feature = "ai")]
        Command::Explain(args) => explain::run(&args, common, out),
        #[cfg(feature = "ai")]
        Command::Models(args) => models::run(&args, common, out),
        #[cfg(feature = "ai")]
        Command::Train(args) => train::run(&args, common, out),
        Command::Evaluate(args) => evaluate::run(&args, common, out),
        Command::Store(args) => store::run(&args, common, out),
        Command::Export(args) => export::run(&args, common, out),
        Command::ErasePatient(args) => store::upkeep::erase(&args, common, out),
        Command::User(args) => user::run(&args, common, out),
        Command::Audit(args) => audit::run(&args, common, out),
        Command::Import(args) => store::import(&args, common, out),
        Command::List(args) => list::run(&args, common, out),
        Command::Record(args) => record::run(&args, common, out),
        Command::Agreement(args) => agreement::run(&args, common, out),
        Command::Queue(args) => queue::run(&args, common, out),
        Command::Cohort(args) => cohort::run(&args, common, out),
        Command::Keys(args) => keys::run(&args, common, out),
        Command::Display(args) => display::run(&args, common, out),
        Command::Doctor(args) => doctor::run(&args, common, out),
        Command::Edit(args) => edit::run(&args, common, out),
    }
}
