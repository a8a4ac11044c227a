//! What workers tell the workspace. One bounded channel, drained by the UI thread before it draws.

use super::{
    document::DocumentState, jobs::JobId, library::Library, masks::MaskOutcome,
    record_link::RecordAnswer,
};
use std::sync::Arc;

/// News from a worker.
pub enum Event {
    /// The library as far as it is known; `done` when the scan ended.
    Library {
        /// The whole library.
        library: Arc<Library>,
        /// The scan that produced it ended.
        done: Option<JobId>,
        /// What it was made of: another one than that of now is of studies that are closed.
        found: super::opening::SharedFound,
    },
    /// A scan could not be begun, or came to an end by a fault of the program.
    ScanFailed(JobId),
    /// Frames of a series arrived (or failed); the series' own state tells which.
    Frames,
    /// What the store knows of studies.
    Known(super::study_list::known::KnownNews),
    /// Studies were searched.
    List(Box<super::study_list::seek::Answer>),
    /// A thumbnail is ready, or cannot be made.
    Thumbnail {
        /// Which series.
        series: String,
        /// The picture.
        picture: Option<super::loader::small::Thumbnail>,
    },
    /// An object was read, or not.
    Document {
        /// Key of the object.
        object: String,
        /// Its content, or why there is none.
        state: DocumentState,
    },
    /// Elements were read for the tag browser.
    Tags(super::tags::TagsShown),
    /// A folder for marks was chosen in a dialog.
    ChosenExport(std::path::PathBuf),
    /// Where a segmentation goes was chosen in a dialog.
    ChosenSegmentation(std::path::PathBuf),
    /// Measured luminances were chosen in a dialog and read, or why not.
    ChosenCurve(Result<crate::imaging::gsdf::DisplayCurve, String>),
    /// Marks were written, or why not.
    MarksSent(Result<super::sending::SentMarks, String>),
    /// Marks of a report were read, or not: its code.
    MarksRead(Result<Box<crate::model::exchange::MarksRead>, String>),
    /// A text for the clipboard is ready.
    Copied(String),
    /// An evaluation was read, or why not.
    Evaluation(Result<Box<super::evaluation::ReadEvaluation>, String>),
    /// An evaluation was chosen in a dialog.
    ChosenEvaluation(std::path::PathBuf),
    /// The folder of its pictures was chosen.
    ChosenEvaluationImages(std::path::PathBuf),
    /// A record was looked up.
    Record(RecordAnswer),
    /// News of the store that keeps the marks.
    Store(super::keeper::StoreNews),
    /// The store holds more than before.
    RecordChanged,
    /// An explanation ended.
    Explained(Box<super::explaining::ExplanationOutcome>),
    /// A folder of pictures to learn from was chosen.
    ChosenTraining(std::path::PathBuf),
    /// News of the training run.
    Training(super::training::TrainingNews),
    /// A picture was classified, or not.
    Classified(Box<super::classes::ClassOutcome>),
    /// A segmentation ended.
    Mask(Box<MaskOutcome>),
    /// A mask that was opened was read, or why not.
    MaskRead(Box<super::mask_files::MaskNews>),
    /// How far a mask over a series is.
    VolumeMask(Box<super::volume_masks::VolumeMaskNews>),
    /// Models that take volumes were found.
    VolumeModels(Vec<super::volume_masks::VolumeModelEntry>),
    /// Networks that answer to points.
    PointModels(Vec<super::volume_masks::VolumeModelEntry>),
    /// The model that finds lesions.
    LesionModel(super::volume_masks::VolumeModelEntry),
    /// The demo was written; open this folder, and use this store.
    DemoReady {
        /// The job.
        job: JobId,
        /// What was written, or why not.
        result: Result<super::demo::DemoFiles, String>,
    },
    /// Paths were chosen in a dialog.
    Chosen(Vec<std::path::PathBuf>),
    /// What files are for that were opened and are no pictures.
    SortedOut(Box<super::purpose::Sorted>),
    /// FHIR bundles were chosen in a dialog.
    ChosenRecord(Vec<std::path::PathBuf>),
    /// A table without a mapping was looked at.
    RecordTable(Box<super::mapping::LookedAt>),
    /// What a whole table gives by the mapping that is being drawn up.
    TableChecked(u64, Box<crate::clinical::table::Checked>),
    /// The log was read, or why not.
    Audit(Result<super::audit_view::AuditRead, String>),
    /// A folder for the log was chosen.
    ChosenAudit(std::path::PathBuf, super::audit_view::AuditForm),
    /// Patients were counted, or why not.
    Cohort(Result<Box<super::cohort_view::CohortAnswer>, super::cohort_view::CohortRefusal>),
    /// Words of records were searched.
    Words(super::record_search::SearchAnswer),
    /// Where pictures of somebody are whose record has what was found, or why that is not known.
    Whereabouts(Result<Box<super::record_search::Whereabouts>, String>),
    /// A folder for tables was chosen.
    ChosenCohort(std::path::PathBuf),
    /// Files for the record that do not say whose they are.
    RecordWhose(Vec<std::path::PathBuf>),
    /// What a draft of a protocol would hang was worked out.
    Previewed(super::hanging::previews::Previewed),
    /// What a user keeps of arrangements was read or written.
    Shelf(super::shelf::ShelfNews),
    /// Something to tell the user: key of the message catalogue with its detail.
    Notice {
        /// Message key.
        key: &'static str,
        /// Identity-free detail.
        detail: String,
    },
    /// Something to tell with a number in it.
    Counted {
        /// Message key.
        key: &'static str,
        /// How many.
        count: usize,
    },
    /// A label schema was read, or why not.
    LabelSchema {
        /// What was read.
        read: Result<Box<super::label_schema::LabelSchema>, super::label_schema::SchemaError>,
        /// Somebody asked for it: show it.
        asked: bool,
    },
    /// A label schema was chosen in a dialog.
    ChosenSchema(std::path::PathBuf),
    /// A network proposes a mark.
    ProposedMark {
        /// The job.
        job: JobId,
        /// The mark, or why there is none: (message key, identity-free detail).
        result: Result<Box<crate::model::annotation::Annotation>, (&'static str, String)>,
    },
    /// A mark was measured.
    Measured(Box<super::measuring::Answer>),
    /// A mask became proposed segments, or not.
    Proposed(Box<super::segmenting::proposals::Proposed>),
    /// A tool changed a segment, or not.
    SegmentTool(Box<super::segmenting::apply::Applied>),
    /// A segmentation was written, or why not.
    SegmentationSaved(Result<super::segmenting::saving::Saved, super::segmenting::saving::Unsaved>),
    /// What a tool would take was looked at.
    SegmentPreview(Box<super::segmenting::preview::Previewed>),
    /// The voxels of an answer of such a network that is taken.
    SegmentPointsTaken(Box<super::segmenting::pointed::PointsTaken>),
    /// A network by points answered, or not.
    SegmentPointed(Box<super::segmenting::pointed::PointedNews>),
    /// A path of livewire was found.
    SegmentWire(Box<super::segmenting::wire::WireFound>),
    /// Segments were counted.
    SegmentsCounted(Box<super::segmenting::counting::Counted>),
    /// The store says where a voxel comes from.
    VoxelOrigins(Box<super::segmenting::origins::OriginsFound>),
    /// Masks of two readers were compared.
    MasksJudged(Box<super::segmenting::judging::JudgedMasks>),
    /// What an adjudicator takes of masks is ready.
    MasksTaken(Box<super::segmenting::judging::TakenMasks>),
    /// News of copies without identity.
    Deid(super::deid::DeidNews),
    /// A passphrase was tried on the locked window.
    Unlock(Result<(), super::access::StaysLocked>),
    /// More was to be allowed: whether it is.
    Broken(bool),
    /// The key of the store was to be remembered or forgotten: whether it is remembered, or what went wrong.
    Remembered(Result<bool, String>),
    /// A job ended without other news.
    JobEnded(JobId),
}
