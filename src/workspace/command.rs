//! Every command is one row here: menu, toolbar, palette, shortcuts, help and tests are derived from it.

use crate::{
    model::{annotation::MarkKind, reading::ReadStatus},
    tools::{PaintTool, Tool},
};

/// Something the user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "the table below is the documentation: one row, one meaning"
)]
pub enum Command {
    OpenFiles,
    OpenFolder,
    OpenDemo,
    CloseAll,
    ImportRecord,
    Quit,
    LayoutOne,
    LayoutTwo,
    LayoutFour,
    LayoutMpr,
    LayoutPicker,
    SplitRight,
    SplitDown,
    JoinCells,
    Tiles,
    Detach,
    Hang,
    StageNext,
    StagePrevious,
    WithPrior,
    SaveProtocol,
    HangOnOpening,
    Maximise,
    ToolWindowLevel,
    ToolZoom,
    ToolPan,
    ToolScroll,
    ToolCrosshair,
    StartWithScroll,
    ToolBrush,
    ToolEraser,
    ToolGrow,
    ToolScissors,
    ToolTrace,
    ToolWire,
    ToolPrompt,
    BrushLarger,
    BrushSmaller,
    BrushShape,
    NewSegmentation,
    DeleteSegmentation,
    SaveSegmentation,
    SaveMeasured,
    NewSegment,
    DeleteSegment,
    MoveSegment,
    VoxelOrigin,
    LockSegment,
    HideSegment,
    SoloSegment,
    AcceptSegment,
    RejectSegment,
    ProposeSegments,
    NextProposal,
    PreviousProposal,
    Segment1,
    Segment2,
    Segment3,
    Segment4,
    Segment5,
    Segment6,
    Segment7,
    Segment8,
    Segment9,
    ShowSegments,
    MarkLength,
    MarkAngle,
    MarkCobb,
    MarkBidirectional,
    MarkPerpendicular,
    MarkProbe,
    MarkEllipse,
    MarkRectangle,
    MarkBox,
    MarkCircle,
    MarkPolygon,
    MarkPolyline,
    MarkFreehand,
    MarkSpline,
    MarkArrow,
    MarkText,
    MarkCardiothoracic,
    Label1,
    Label2,
    Label3,
    Label4,
    Label5,
    Label6,
    Label7,
    Label8,
    Label9,
    Tag1,
    Tag2,
    Tag3,
    Tag4,
    Tag5,
    Tag6,
    Tag7,
    Tag8,
    Tag9,
    GradeUp,
    GradeDown,
    NextScore,
    PreviousScore,
    PlaceKeypoints,
    ShowLabels,
    ChooseSchema,
    NameMark,
    Calibrate,
    RemoveCalibration,
    DeleteMark,
    LockMark,
    HideMark,
    ToggleMarks,
    NextFinding,
    PreviousFinding,
    ExportMarksCsv,
    ExportMarksJson,
    ZoomIn,
    ZoomOut,
    Fit,
    ActualSize,
    LifeSize,
    MonitorSize,
    Loupe,
    LoupeWindow,
    WindowNumbers,
    ResetView,
    Invert,
    RotateRight,
    RotateLeft,
    FlipHorizontal,
    FlipVertical,
    ToggleInterpolation,
    InterpolationNearest,
    InterpolationLinear,
    InterpolationCubic,
    ToggleArea,
    SlabMip,
    SlabMinip,
    SlabMean,
    SlabOff,
    SlabThicker,
    SlabThinner,
    LockPlanes,
    ResetPlanes,
    Filters,
    ShowOriginal,
    ScreenSetting,
    TestPicture,
    WindowFile,
    WindowAuto,
    Preset1,
    Preset2,
    Preset3,
    Preset4,
    Preset5,
    Preset6,
    Preset7,
    Preset8,
    Preset9,
    NextImage,
    PreviousImage,
    NextImage10,
    PreviousImage10,
    FirstImage,
    LastImage,
    NextSeries,
    PreviousSeries,
    NextView,
    PreviousView,
    NextPanel,
    SegmentLungs,
    ExplainGradCam,
    ExplainIntegrated,
    ExplainOcclusion,
    ExplainEntropy,
    ExplainDisagreement,
    ToggleExplanation,
    OpenEvaluation,
    ShowEvaluation,
    SegmentVolume,
    FindLesions,
    NetworksOnCpu,
    MeasureCardiothoracic,
    ClassifyTuberculosis,
    Training,
    StartTraining,
    PauseTraining,
    StopTraining,
    ToggleMasks,
    OverlayText,
    ToggleGraphics,
    ToggleShutter,
    HideIdentity,
    ToggleBrowser,
    ToggleSide,
    ToggleStatus,
    ShowRecord,
    ShowTimeline,
    ShowConsiderations,
    ShowGenes,
    ShowGraph,
    ShowQuality,
    ShowCohort,
    SearchRecords,
    ShowAudit,
    ShowAi,
    ShowFindings,
    ShowReport,
    FullScreen,
    Cine,
    CineFaster,
    CineSlower,
    LinkHere,
    Unlink,
    LinkScroll,
    LinkPan,
    LinkZoom,
    LinkWindow,
    ReferenceLines,
    Content,
    Tags,
    ShowList,
    AddToLibrary,
    KeepCopies,
    NextUnread,
    PreviousUnread,
    NextStudy,
    PreviousStudy,
    NextPatient,
    PreviousPatient,
    MarkNew,
    MarkInProgress,
    MarkFlagged,
    MarkPreliminary,
    MarkFinal,
    Finalise,
    CopyPicture,
    SavePicture,
    Anonymize,
    Lock,
    BreakGlass,
    ForgetKey,
    Settings,
    KeySettings,
    LightTheme,
    LargerText,
    SmallerText,
    ExportMarks,
    ShowMarks,
    KeyImage,
    NextKeyImage,
    PreviousKeyImage,
    Palette,
    Help,
    Language,
    Undo,
    Redo,
    Cancel,
}

/// Where a command stands in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Opening and closing.
    File,
    /// Changing what was done.
    Edit,
    /// Cells and panels.
    View,
    /// The picture in the active cell.
    Image,
    /// Tool under the left button.
    Tool,
    /// Marks and their numbers.
    Measure,
    /// Segmentations.
    Segment,
    /// Window and level.
    Window,
    /// Moving through images and series.
    Navigate,
    /// The list of studies, and how far reading is.
    Reading,
    /// Networks.
    Ai,
    /// Everything about the program.
    Help,
}

impl Group {
    /// All groups in menu order.
    pub const ALL: [Self; 12] = [
        Self::File,
        Self::Edit,
        Self::View,
        Self::Image,
        Self::Tool,
        Self::Measure,
        Self::Segment,
        Self::Window,
        Self::Navigate,
        Self::Reading,
        Self::Ai,
        Self::Help,
    ];

    /// Whether its commands act on the picture that is shown.
    pub const fn is_of_pictures(self) -> bool {
        matches!(
            self,
            Self::Image
                | Self::Tool
                | Self::Measure
                | Self::Segment
                | Self::Window
                | Self::Navigate
        )
    }

    /// Key of the message catalogue.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::File => "menu-file",
            Self::Edit => "menu-edit",
            Self::View => "menu-view",
            Self::Image => "menu-image",
            Self::Tool => "menu-tools",
            Self::Measure => "menu-measure",
            Self::Segment => "menu-segment",
            Self::Window => "menu-presets",
            Self::Navigate => "menu-navigate",
            Self::Reading => "menu-reading",
            Self::Ai => "menu-ai",
            Self::Help => "menu-help",
        }
    }
}

/// What a command needs to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Something is open.
    Study,
    /// The list of studies holds something.
    List,
    /// The active cell shows a picture.
    Picture,
    /// The active cell shows a picture or a document.
    View,
    /// The active cell's object has a content that can be shown.
    Content,
    /// There is a mark or a key image of what is open.
    Marks,
    /// The active cell shows a frame, and no cut.
    Frame,
    /// The active cell shows a report that may hold marks.
    Report,
    /// The active cell's series can be cut in any plane.
    Volume,
    /// The active cell shows a cut through a volume.
    Cut,
    /// Cells can be split: they do not stand together by what they show.
    Free,
    /// The active cell has a neighbour that it can be joined with.
    Partner,
    /// The active cell shows a picture a bundled model is meant for.
    ModelInput,
    /// The active cell's series can be cut in any plane, and there is a model for volumes.
    ModelVolume,
    /// The active cell's series can be cut in any plane, and there is a model that finds lesions.
    ModelLesions,
    /// The active cell shows a frame that somebody calibrated.
    Calibration,
    /// A training task is chosen, with what it needs, and none runs.
    TrainingReady,
    /// A training run is under way.
    TrainingRun,
    /// Views are linked by a stated correspondence.
    Linked,
    /// A mark is selected.
    Mark,
    /// There is a segmentation over the active view.
    Segmentation,
    /// A segment of it is chosen.
    Segment,
    /// A network's mask lies over the active view.
    Mask,
    /// There is something to undo.
    Undo,
    /// There is something to do again.
    Redo,
    /// Something runs.
    Job,
    /// A store is open.
    Account,
    /// A store whose key this computer remembers.
    RememberedKey,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The command.
    pub command: Command,
    /// Key of the message catalogue for its name; `<key>-tip` explains it where there is more to say.
    pub message_key: &'static str,
    /// Menu.
    pub group: Group,
    /// Shortcut as written in product section 6.4, for example `Ctrl+Shift+H`; empty for none.
    /// Several are separated by a blank.
    pub shortcut: &'static str,
    /// When it is enabled.
    pub needs: Needs,
}

macro_rules! table {
    ($($command:ident $key:literal $group:ident $shortcut:literal $needs:ident)*) => {
        /// The table.
        pub const TABLE: &[Row] = &[$(Row {
            command: Command::$command,
            message_key: $key,
            group: Group::$group,
            shortcut: $shortcut,
            needs: Needs::$needs,
        }),*];
    };
}

table! {
    OpenFiles "cmd-open-files" File "Ctrl+O" Nothing
    OpenFolder "cmd-open-folder" File "Ctrl+Shift+O" Nothing
    OpenDemo "cmd-open-demo" File "Ctrl+D" Nothing
    ImportRecord "cmd-import-record" File "" Nothing
    ExportMarks "cmd-export-marks" File "" Marks
    CloseAll "cmd-close-study" File "Ctrl+W" Study
    Quit "cmd-quit" File "Ctrl+Q" Nothing
    Undo "cmd-undo" Edit "Ctrl+Z" Undo
    Redo "cmd-redo" Edit "Ctrl+Y Ctrl+Shift+Z" Redo
    Cancel "cmd-cancel" Edit "Escape" Job
    LayoutOne "cmd-layout-1x1" View "Ctrl+1" Nothing
    LayoutTwo "cmd-layout-1x2" View "Ctrl+2" Nothing
    LayoutFour "cmd-layout-2x2" View "Ctrl+3" Nothing
    LayoutMpr "cmd-layout-mpr" View "Ctrl+4" Volume
    LayoutPicker "cmd-layout-picker" View "Ctrl+5" Nothing
    Tiles "cmd-layout-tiles" View "Ctrl+6" Picture
    SplitRight "cmd-view-split-right" View "" Free
    SplitDown "cmd-view-split-down" View "" Free
    JoinCells "cmd-view-join" View "" Partner
    Detach "cmd-view-detach" View "" View
    Hang "cmd-hang" View "" Study
    StageNext "cmd-stage-next" View "." Study
    StagePrevious "cmd-stage-previous" View "," Study
    WithPrior "cmd-with-prior" View "Shift+P" Study
    SaveProtocol "cmd-save-protocol" View "" View
    HangOnOpening "cmd-hang-on-opening" View "" Nothing
    Maximise "cmd-maximize" View "Enter" View
    NextView "cmd-view-next" View "Tab" Study
    PreviousView "cmd-view-previous" View "Shift+Tab" Study
    NextPanel "cmd-panel-next" View "F6" Nothing
    OverlayText "cmd-overlay-text" View "Space" Nothing
    ToggleGraphics "cmd-toggle-graphics" View "Shift+G" Picture
    ToggleShutter "cmd-toggle-shutter" View "Shift+S" Picture
    HideIdentity "cmd-hide-identity" View "Ctrl+Shift+H" Nothing
    ToggleBrowser "cmd-panel-left" View "F8" Nothing
    ToggleStatus "cmd-panel-bottom" View "F9" Nothing
    ToggleSide "cmd-panel-right" View "F10" Nothing
    ShowRecord "panel-tab-record" View "Ctrl+R" Nothing
    ShowTimeline "cmd-record-timeline" View "" Nothing
    ShowConsiderations "cmd-record-considerations" View "" Nothing
    ShowGenes "cmd-record-genes" View "" Nothing
    ShowGraph "cmd-record-graph" View "" Nothing
    ShowQuality "cmd-record-quality" View "" Nothing
    ShowCohort "cmd-cohort" View "" Nothing
    SearchRecords "cmd-search-records" View "Ctrl+Shift+R" Nothing
    ShowFindings "panel-tab-findings" View "" Nothing
    ShowLabels "panel-tab-labels" View "Ctrl+J" Nothing
    ShowReport "panel-tab-report" View "Ctrl+E" Nothing
    Tags "cmd-tags" View "Ctrl+I" View
    ShowMarks "cmd-show-marks" View "" Report
    Content "cmd-content" View "Shift+T" Content
    FullScreen "cmd-full-screen" View "F11" Nothing
    LinkHere "cmd-link-here" View "Shift+L" Picture
    Unlink "cmd-unlink" View "" Linked
    LinkScroll "cmd-link-scroll" View "Ctrl+L" Nothing
    LinkPan "cmd-link-pan" View "" Nothing
    LinkZoom "cmd-link-zoom" View "" Nothing
    LinkWindow "cmd-link-window" View "" Nothing
    ReferenceLines "cmd-reference-lines" View "Ctrl+Shift+L" Nothing
    Fit "cmd-fit" Image "F =" Picture
    ActualSize "cmd-actual-pixels" Image "Shift+F" Picture
    LifeSize "cmd-life-size" Image "" Picture
    MonitorSize "cmd-monitor-size" Image "" Nothing
    Loupe "cmd-loupe" Image "Shift+Z" Picture
    LoupeWindow "cmd-loupe-window" Image "" Picture
    ZoomIn "cmd-zoom-in" Image "+" Picture
    ZoomOut "cmd-zoom-out" Image "-" Picture
    ResetView "cmd-reset-view" Image "Ctrl+0" Picture
    Invert "cmd-invert" Image "I" Picture
    RotateRight "cmd-rotate-right" Image "R" Picture
    RotateLeft "cmd-rotate-left" Image "Shift+R" Picture
    FlipHorizontal "cmd-flip-horizontal" Image "H" Picture
    FlipVertical "cmd-flip-vertical" Image "V" Picture
    ToggleInterpolation "cmd-interpolation" Image "" Picture
    InterpolationNearest "cmd-interpolation-nearest" Image "" Picture
    InterpolationLinear "cmd-interpolation-linear" Image "" Picture
    InterpolationCubic "cmd-interpolation-cubic" Image "" Picture
    ToggleArea "cmd-area" Image "" Picture
    SlabMip "cmd-slab-mip" Image "" Cut
    SlabMinip "cmd-slab-minip" Image "" Cut
    SlabMean "cmd-slab-mean" Image "" Cut
    SlabOff "cmd-slab-off" Image "" Cut
    SlabThicker "cmd-slab-thicker" Image "" Cut
    SlabThinner "cmd-slab-thinner" Image "" Cut
    LockPlanes "cmd-planes-lock" Image "" Volume
    ResetPlanes "cmd-planes-reset" Image "" Cut
    KeyImage "cmd-key-image" Image "K" Frame
    Filters "cmd-filters" Image "Ctrl+Shift+F" Picture
    ShowOriginal "cmd-show-original" Image "Shift+O" Picture
    ScreenSetting "cmd-screen-setting" View "" Nothing
    TestPicture "cmd-test-picture" View "Ctrl+Shift+G" Nothing
    ToolWindowLevel "cmd-tool-window-level" Tool "W" Nothing
    ToolZoom "cmd-tool-zoom" Tool "Z" Nothing
    ToolPan "cmd-tool-pan" Tool "M" Nothing
    ToolScroll "cmd-tool-scroll" Tool "S" Nothing
    ToolCrosshair "cmd-tool-crosshair" Tool "X" Nothing
    StartWithScroll "cmd-start-with-scroll" Tool "" Nothing
    MarkLength "mark-length" Measure "L" Nothing
    MarkAngle "mark-angle" Measure "A" Nothing
    MarkCobb "mark-cobb" Measure "Shift+A" Nothing
    MarkBidirectional "mark-bidirectional" Measure "D" Nothing
    MarkPerpendicular "mark-perpendicular" Measure "" Nothing
    MarkProbe "mark-point" Measure "P" Nothing
    MarkEllipse "mark-ellipse" Measure "O" Nothing
    MarkRectangle "mark-rectangle" Measure "U" Nothing
    MarkBox "mark-box" Measure "Shift+U" Nothing
    MarkCircle "mark-circle" Measure "" Nothing
    MarkPolygon "mark-polygon" Measure "Y" Nothing
    MarkPolyline "mark-polyline" Measure "Shift+Y" Nothing
    MarkFreehand "mark-freehand" Measure "" Nothing
    MarkSpline "mark-spline" Measure "" Nothing
    MarkArrow "mark-arrow" Measure "Q" Nothing
    MarkText "mark-text" Measure "T" Nothing
    MarkCardiothoracic "mark-cardiothoracic-ratio" Measure "" Nothing
    Label1 "cmd-label-1" Measure "Alt+1" Picture
    Label2 "cmd-label-2" Measure "Alt+2" Picture
    Label3 "cmd-label-3" Measure "Alt+3" Picture
    Label4 "cmd-label-4" Measure "Alt+4" Picture
    Label5 "cmd-label-5" Measure "Alt+5" Picture
    Label6 "cmd-label-6" Measure "Alt+6" Picture
    Label7 "cmd-label-7" Measure "Alt+7" Picture
    Label8 "cmd-label-8" Measure "Alt+8" Picture
    Label9 "cmd-label-9" Measure "Alt+9" Picture
    Tag1 "cmd-tag-1" Measure "Ctrl+Shift+1" Picture
    Tag2 "cmd-tag-2" Measure "Ctrl+Shift+2" Picture
    Tag3 "cmd-tag-3" Measure "Ctrl+Shift+3" Picture
    Tag4 "cmd-tag-4" Measure "Ctrl+Shift+4" Picture
    Tag5 "cmd-tag-5" Measure "Ctrl+Shift+5" Picture
    Tag6 "cmd-tag-6" Measure "Ctrl+Shift+6" Picture
    Tag7 "cmd-tag-7" Measure "Ctrl+Shift+7" Picture
    Tag8 "cmd-tag-8" Measure "Ctrl+Shift+8" Picture
    Tag9 "cmd-tag-9" Measure "Ctrl+Shift+9" Picture
    GradeUp "cmd-grade-up" Measure "Alt+Up" Picture
    GradeDown "cmd-grade-down" Measure "Alt+Down" Picture
    NextScore "cmd-score-next" Measure "Alt+Right" Picture
    PreviousScore "cmd-score-previous" Measure "Alt+Left" Picture
    PlaceKeypoints "cmd-keypoints" Measure "Ctrl+Shift+P" Frame
    ChooseSchema "cmd-label-schema" Measure "" Nothing
    NameMark "cmd-mark-name" Measure "F2" Mark
    Calibrate "cmd-calibrate" Measure "" Frame
    RemoveCalibration "cmd-calibrate-remove" Measure "" Calibration
    DeleteMark "cmd-mark-delete" Measure "Delete Backspace" Mark
    LockMark "cmd-mark-lock" Measure "" Mark
    HideMark "cmd-mark-hide" Measure "" Mark
    ToggleMarks "cmd-marks-toggle" Measure "" Nothing
    NextFinding "cmd-finding-next" Measure "J" Study
    PreviousFinding "cmd-finding-previous" Measure "Shift+J" Study
    ExportMarksCsv "cmd-marks-csv" Measure "" Study
    ExportMarksJson "cmd-marks-json" Measure "" Study
    ToolBrush "cmd-tool-brush" Segment "B" Picture
    ToolEraser "cmd-tool-eraser" Segment "E" Picture
    ToolGrow "cmd-tool-grow" Segment "Ctrl+B" Picture
    ToolScissors "cmd-tool-scissors" Segment "Ctrl+Shift+B" Picture
    ToolTrace "cmd-tool-trace" Segment "" Picture
    ToolWire "cmd-tool-wire" Segment "" Picture
    ToolPrompt "cmd-tool-prompt" Segment "" Picture
    BrushShape "cmd-brush-shape" Segment "Shift+B" Nothing
    BrushLarger "cmd-brush-larger" Segment "]" Nothing
    BrushSmaller "cmd-brush-smaller" Segment "[" Nothing
    NewSegmentation "cmd-segmentation-new" Segment "" Picture
    DeleteSegmentation "cmd-segmentation-delete" Segment "" Segmentation
    SaveSegmentation "cmd-segmentation-save" Segment "Ctrl+Shift+S" Segmentation
    SaveMeasured "cmd-segmentation-measured" Segment "" Segmentation
    NewSegment "cmd-segment-new" Segment "Ctrl+Shift+N" Picture
    DeleteSegment "cmd-segment-delete" Segment "" Segment
    MoveSegment "cmd-segment-move" Segment "Alt+L" Segment
    VoxelOrigin "cmd-voxel-origin" Segment "Alt+O" Segmentation
    LockSegment "cmd-segment-lock" Segment "" Segment
    HideSegment "cmd-segment-hide" Segment "" Segment
    SoloSegment "cmd-segment-solo" Segment "Alt+0" Segment
    AcceptSegment "cmd-segment-accept" Segment "Alt+A" Segment
    RejectSegment "cmd-segment-reject" Segment "Alt+R" Segment
    ProposeSegments "cmd-segments-propose" Segment "" Mask
    NextProposal "cmd-proposal-next" Segment "Alt+J" Segmentation
    PreviousProposal "cmd-proposal-previous" Segment "Alt+K" Segmentation
    Segment1 "cmd-segment-1" Segment "" Segment
    Segment2 "cmd-segment-2" Segment "" Segment
    Segment3 "cmd-segment-3" Segment "" Segment
    Segment4 "cmd-segment-4" Segment "" Segment
    Segment5 "cmd-segment-5" Segment "" Segment
    Segment6 "cmd-segment-6" Segment "" Segment
    Segment7 "cmd-segment-7" Segment "" Segment
    Segment8 "cmd-segment-8" Segment "" Segment
    Segment9 "cmd-segment-9" Segment "" Segment
    ShowSegments "panel-tab-segments" View "" Nothing
    WindowFile "preset-file" Window "`" Picture
    WindowAuto "preset-auto" Window "0" Picture
    WindowNumbers "cmd-window-numbers" Window "Shift+W" Picture
    Preset1 "preset-soft-tissue" Window "1" Picture
    Preset2 "preset-lung" Window "2" Picture
    Preset3 "preset-bone" Window "3" Picture
    Preset4 "preset-brain" Window "4" Picture
    Preset5 "preset-mediastinum" Window "5" Picture
    Preset6 "preset-liver" Window "6" Picture
    Preset7 "preset-subdural" Window "7" Picture
    Preset8 "preset-stroke" Window "8" Picture
    Preset9 "preset-ct-angiography" Window "9" Picture
    NextImage "cmd-image-next" Navigate "Down" View
    PreviousImage "cmd-image-previous" Navigate "Up" View
    NextImage10 "cmd-image-on-ten" Navigate "Shift+Down" View
    PreviousImage10 "cmd-image-back-ten" Navigate "Shift+Up" View
    FirstImage "cmd-image-first" Navigate "Home" View
    LastImage "cmd-image-last" Navigate "End" View
    NextKeyImage "cmd-key-next" Navigate "Shift+K" Picture
    PreviousKeyImage "cmd-key-previous" Navigate "Ctrl+Shift+K" Picture
    NextSeries "cmd-series-next" Navigate "PageDown Right" Study
    PreviousSeries "cmd-series-previous" Navigate "PageUp Left" Study
    Cine "cmd-cine" Navigate "C" Picture
    CineFaster "cmd-cine-faster" Navigate "Shift+]" Picture
    CineSlower "cmd-cine-slower" Navigate "Shift+[" Picture
    ShowList "cmd-show-list" Reading "Ctrl+F" Nothing
    AddToLibrary "cmd-add-to-library" Reading "" Study
    KeepCopies "cmd-keep-copies" Reading "" View
    NextUnread "cmd-unread-next" Reading "N Ctrl+Shift+Enter" List
    PreviousUnread "cmd-unread-back" Reading "Shift+N" List
    NextStudy "cmd-study-next" Reading "Ctrl+Right" List
    PreviousStudy "cmd-study-previous" Reading "Ctrl+Left" List
    NextPatient "cmd-patient-next" Reading "Ctrl+Down" List
    PreviousPatient "cmd-patient-previous" Reading "Ctrl+Up" List
    MarkNew "cmd-mark-new" Reading "" View
    MarkInProgress "cmd-mark-in-progress" Reading "" View
    MarkFlagged "cmd-mark-flagged" Reading "" View
    MarkPreliminary "cmd-mark-preliminary" Reading "" View
    MarkFinal "cmd-mark-final" Reading "" View
    Finalise "cmd-finalise" Reading "Ctrl+Enter" View
    SegmentLungs "cmd-run-lung-segmentation" Ai "" ModelInput
    MeasureCardiothoracic "cmd-cardiothoracic-auto" Ai "" ModelInput
    ExplainGradCam "cmd-explain-grad-cam" Ai "" ModelInput
    ExplainIntegrated "cmd-explain-integrated" Ai "" ModelInput
    ExplainOcclusion "cmd-explain-occlusion" Ai "" ModelInput
    ExplainEntropy "cmd-explain-entropy" Ai "" ModelInput
    ExplainDisagreement "cmd-explain-disagreement" Ai "" ModelInput
    ToggleExplanation "cmd-toggle-explanation" Ai "Shift+E" Nothing
    OpenEvaluation "cmd-open-evaluation" Ai "" Nothing
    ShowEvaluation "cmd-show-evaluation" Ai "" Nothing
    SegmentVolume "cmd-segment-volume" Ai "" ModelVolume
    FindLesions "cmd-find-lesions" Ai "" ModelLesions
    NetworksOnCpu "cmd-networks-on-cpu" Ai "" Nothing
    ClassifyTuberculosis "cmd-classify-tb" Ai "" ModelInput
    Training "cmd-training" Ai "" Nothing
    StartTraining "cmd-training-start" Ai "" TrainingReady
    PauseTraining "cmd-training-pause" Ai "" TrainingRun
    StopTraining "cmd-training-stop" Ai "" TrainingRun
    ToggleMasks "cmd-toggle-overlay" Ai "G" Nothing
    ShowAi "panel-tab-ai" Ai "" Nothing
    CopyPicture "cmd-copy-picture" Edit "Ctrl+C" View
    SavePicture "cmd-save-picture" File "Ctrl+P" View
    Anonymize "cmd-anonymize" File "" View
    Lock "cmd-lock" File "Ctrl+Shift+U" Account
    ShowAudit "cmd-audit" File "" Account
    BreakGlass "cmd-break-glass" File "" Account
    ForgetKey "cmd-forget-key" File "" RememberedKey
    Settings "cmd-settings" Edit "Ctrl+," Nothing
    KeySettings "cmd-key-settings" Help "" Nothing
    LightTheme "cmd-theme-light" View "" Nothing
    LargerText "cmd-text-larger" View "Ctrl++" Nothing
    SmallerText "cmd-text-smaller" View "Ctrl+-" Nothing
    Palette "cmd-palette" Help "Ctrl+K" Nothing
    Help "cmd-help" Help "F1 ?" Nothing
    Language "cmd-language" Help "" Nothing
}

impl Row {
    /// Whether holding its key goes on doing it: moving and zooming, not switching things on and off.
    pub const fn repeats(&self) -> bool {
        matches!(self.group, Group::Navigate)
            || matches!(
                self.command,
                Command::ZoomIn
                    | Command::ZoomOut
                    | Command::Undo
                    | Command::Redo
                    | Command::BrushLarger
                    | Command::BrushSmaller
            )
    }
}

impl Command {
    /// Stable name, for scripts and settings: its message key without `cmd-`.
    pub fn name(self) -> &'static str {
        let key = self.row().message_key;
        key.strip_prefix("cmd-").unwrap_or(key)
    }

    /// The command with this name.
    pub fn named(name: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.command.name() == name);
        row.map(|row| row.command)
    }

    /// The command's row. Every command has one (a test says so).
    pub fn row(self) -> &'static Row {
        static MISSING: Row = Row {
            command: Command::Cancel,
            message_key: "cmd-cancel",
            group: Group::Edit,
            shortcut: "",
            needs: Needs::Nothing,
        };
        TABLE
            .iter()
            .find(|row| row.command == self)
            .unwrap_or(&MISSING)
    }

    /// The tool it selects, when it selects one.
    pub const fn tool(self) -> Option<Tool> {
        Some(match self {
            Self::ToolWindowLevel => Tool::WindowLevel,
            Self::ToolZoom => Tool::Zoom,
            Self::ToolPan => Tool::Pan,
            Self::ToolScroll => Tool::Scroll,
            Self::ToolCrosshair => Tool::Crosshair,
            Self::ToolBrush => Tool::Paint(PaintTool::Brush),
            Self::ToolEraser => Tool::Paint(PaintTool::Eraser),
            Self::ToolGrow => Tool::Paint(PaintTool::Grow),
            Self::ToolScissors => Tool::Paint(PaintTool::Scissors),
            Self::ToolTrace => Tool::Paint(PaintTool::Trace),
            Self::ToolWire => Tool::Paint(PaintTool::Wire),
            Self::ToolPrompt => Tool::Paint(PaintTool::Prompt),
            Self::MarkLength => Tool::Mark(MarkKind::Length),
            Self::MarkAngle => Tool::Mark(MarkKind::Angle),
            Self::MarkCobb => Tool::Mark(MarkKind::Cobb),
            Self::MarkBidirectional => Tool::Mark(MarkKind::Bidirectional),
            Self::MarkPerpendicular => Tool::Mark(MarkKind::Perpendicular),
            Self::MarkProbe => Tool::Mark(MarkKind::Point),
            Self::MarkEllipse => Tool::Mark(MarkKind::Ellipse),
            Self::MarkRectangle => Tool::Mark(MarkKind::Rectangle),
            Self::MarkBox => Tool::Mark(MarkKind::Box),
            Self::MarkCircle => Tool::Mark(MarkKind::Circle),
            Self::MarkPolygon => Tool::Mark(MarkKind::Polygon),
            Self::MarkPolyline => Tool::Mark(MarkKind::Polyline),
            Self::MarkFreehand => Tool::Mark(MarkKind::Freehand),
            Self::MarkSpline => Tool::Mark(MarkKind::Spline),
            Self::MarkArrow => Tool::Mark(MarkKind::Arrow),
            Self::MarkText => Tool::Mark(MarkKind::Text),
            Self::MarkCardiothoracic => Tool::Mark(MarkKind::CardiothoracicRatio),
            _ => return None,
        })
    }

    /// The reading status that it gives to the study, when it gives one.
    pub const fn read_status(self) -> Option<ReadStatus> {
        Some(match self {
            Self::MarkNew => ReadStatus::New,
            Self::MarkInProgress => ReadStatus::InProgress,
            Self::MarkFlagged => ReadStatus::Flagged,
            Self::MarkPreliminary => ReadStatus::Preliminary,
            Self::MarkFinal => ReadStatus::Final,
            _ => return None,
        })
    }

    /// The command that selects a tool.
    pub fn of_tool(tool: Tool) -> Option<Self> {
        let mut rows = TABLE.iter().map(|row| row.command);
        rows.find(|command| command.tool() == Some(tool))
    }

    /// The digit of the command that gives the class on a key of the label schema.
    pub const fn label_digit(self) -> Option<u8> {
        Some(match self {
            Self::Label1 => 1,
            Self::Label2 => 2,
            Self::Label3 => 3,
            Self::Label4 => 4,
            Self::Label5 => 5,
            Self::Label6 => 6,
            Self::Label7 => 7,
            Self::Label8 => 8,
            Self::Label9 => 9,
            _ => return None,
        })
    }

    /// The digit of the command that sets the tag on a key of the label schema.
    pub const fn tag_digit(self) -> Option<u8> {
        Some(match self {
            Self::Tag1 => 1,
            Self::Tag2 => 2,
            Self::Tag3 => 3,
            Self::Tag4 => 4,
            Self::Tag5 => 5,
            Self::Tag6 => 6,
            Self::Tag7 => 7,
            Self::Tag8 => 8,
            Self::Tag9 => 9,
            _ => return None,
        })
    }

    /// The digit of a command that chooses a segment.
    pub const fn segment_digit(self) -> Option<usize> {
        Some(match self {
            Self::Segment1 => 1,
            Self::Segment2 => 2,
            Self::Segment3 => 3,
            Self::Segment4 => 4,
            Self::Segment5 => 5,
            Self::Segment6 => 6,
            Self::Segment7 => 7,
            Self::Segment8 => 8,
            Self::Segment9 => 9,
            _ => return None,
        })
    }

    /// The digit of a preset command.
    pub const fn preset_digit(self) -> Option<u8> {
        Some(match self {
            Self::Preset1 => 1,
            Self::Preset2 => 2,
            Self::Preset3 => 3,
            Self::Preset4 => 4,
            Self::Preset5 => 5,
            Self::Preset6 => 6,
            Self::Preset7 => 7,
            Self::Preset8 => 8,
            Self::Preset9 => 9,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_shortcut_and_no_command_stands_twice() {
        let mut shortcuts = BTreeSet::new();
        let mut commands = BTreeSet::new();
        for row in TABLE {
            assert!(
                commands.insert(row.command),
                "{:?} has two rows",
                row.command
            );
            for shortcut in row.shortcut.split_whitespace() {
                assert!(shortcuts.insert(shortcut), "{shortcut} is taken twice");
            }
        }
    }

    #[test]
    fn every_command_has_a_row() {
        // `Cancel` is the last variant, so its discriminant counts them.
        assert_eq!(TABLE.len(), Command::Cancel as usize + 1);
    }
}
