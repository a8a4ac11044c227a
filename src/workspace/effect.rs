//! What a command asks of the program around the workspace: what needs dialogs, other windows, the network worker.

use crate::model::access::Right;

use super::{measuring::export::MarkFormat, picture_out::PictureWish, report::ReportFormat};
use crate::model::explanation::Method;

/// What a command asks of the program around the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Choose files in a dialog.
    ChooseFiles,
    /// Choose a folder in a dialog.
    ChooseFolder,
    /// Choose FHIR bundles in a dialog.
    ChooseRecord,
    /// Choose a folder for marks in a dialog.
    ChooseExport,
    /// Choose where a segmentation goes in a dialog.
    ChooseSegmentation,
    /// Choose a table of measured luminances in a dialog.
    ChooseCurve,
    /// Choose a label schema in a dialog.
    ChooseSchema,
    /// Choose an evaluation in a dialog.
    ChooseEvaluation,
    /// Choose the folder of its pictures in a dialog.
    ChooseEvaluationImages,
    /// Write and open the demo.
    Demo,
    /// Segment the active frame.
    Segment,
    /// Explain the answer of a network for the active frame.
    Explain(Method),
    /// Segment the volume of the active cell.
    SegmentVolume,
    /// Look through the volume of the active cell for lesions.
    FindLesions,
    /// Let networks run on the CPU, or where they ran before.
    NetworksOnCpu,
    /// Tell the class of the active frame.
    Classify,
    /// Start the chosen training run, or let it go on.
    Train,
    /// Choose a folder of pictures to learn from.
    ChooseTraining,
    /// Ask for the name of the selected mark, beside it.
    NameMark,
    /// Give the keyboard to the next panel.
    NextPanel,
    /// Open or close the command palette.
    Palette,
    /// A picture for the clipboard or a file.
    PictureOut {
        /// Which.
        wish: PictureWish,
        /// Into a file, else to the clipboard.
        save: bool,
    },
    /// The active view to the clipboard, as it is shown, without identity.
    CopyPicture,
    /// Ask what picture shall leave, and where to.
    PictureDialog,
    /// Ask how copies without identity are made.
    DeidDialog,
    /// Choose a folder for them in a dialog.
    ChooseDeid,
    /// Choose a folder for the log in a dialog.
    ChooseAudit(super::audit_view::AuditForm),
    /// Choose a folder for tables in a dialog.
    ChooseCohort,
    /// Open or close the preferences.
    Settings,
    /// The same at their keys.
    KeySettings,
    /// Open or close the help.
    Help,
    /// Open or close the choice of layouts.
    LayoutPicker,
    /// Measure heart and thorax from the lung fields of the active frame.
    Cardiothoracic,
    /// Write the marks and their numbers to a file.
    SaveMarks(MarkFormat),
    /// The report of the active study leaves.
    ReportOut(ReportFormat),
    /// Change the language.
    Language,
    /// Take the magnifier out, or put it away.
    Loupe,
    /// Give the magnifier a window of its own, or that of the view.
    LoupeWindow,
    /// Type window and level.
    WindowNumbers,
    /// Type the size of the monitor.
    MonitorSize,
    /// Full screen on or off.
    FullScreen,
    /// Open or close the filter panel.
    Filters,
    /// Open or close the panel of the screen.
    ScreenSetting,
    /// Open or close the test picture.
    TestPicture,
    /// End.
    Quit,
    /// End although something is on no disk.
    QuitAnyway,
}

impl Effect {
    /// The right that it needs, when it writes something out.
    pub const fn right(self) -> Option<Right> {
        Some(match self {
            Self::PictureOut { .. } | Self::CopyPicture | Self::PictureDialog => {
                Right::ExportImages
            }
            Self::SaveMarks(_) | Self::ChooseExport | Self::ChooseSegmentation => {
                Right::ExportMarks
            }
            Self::ReportOut(_) => Right::ExportReports,
            Self::DeidDialog | Self::ChooseCohort => Right::Anonymize,
            Self::ChooseAudit(_) => Right::ExportAudit,
            Self::Segment | Self::SegmentVolume | Self::FindLesions | Self::Cardiothoracic => {
                Right::Segment
            }
            _ => return None,
        })
    }

    /// Whether something leaves the window with it.
    pub const fn leaves(self) -> bool {
        matches!(
            self,
            Self::PictureOut { .. } | Self::CopyPicture | Self::SaveMarks(_) | Self::ReportOut(_)
        )
    }

    /// Whether it starts work that takes its time, or ends everything: how the window stands is kept before.
    pub const fn is_long(self) -> bool {
        matches!(
            self,
            Self::Demo
                | Self::Segment
                | Self::Explain(_)
                | Self::Cardiothoracic
                | Self::PictureOut { .. }
                | Self::CopyPicture
                | Self::SaveMarks(_)
                | Self::ReportOut(_)
                | Self::Quit
                | Self::QuitAnyway
        )
    }
}
