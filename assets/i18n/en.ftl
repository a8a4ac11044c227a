# The words of the window. Sentence case, no full stop after a single sentence, … only when more input follows.
# Keys and placeables are the same in every catalogue. Names of products, models and DICOM codes are not translated.

## Application

app-name = Negatoscope
app-notice = Research and education. Not for diagnostic use.
app-version = Version { $version }
app-title-empty = Negatoscope
app-title-study = { $study } – Negatoscope

## Menus

menu-file = File
menu-edit = Edit
menu-view = View
menu-image = Image
menu-tools = Tools
menu-layout = Layout
menu-presets = Window presets
menu-ai = AI
menu-language = Language
menu-more-tools = More tools
menu-help = Help

## Commands: the name, and what the tooltip adds

cmd-open-files = Open files…
cmd-open-files-tip = Open DICOM files, ZIP archives, research volumes, or PNG, JPEG and TIFF pictures
cmd-open-folder = Open folder…
cmd-open-folder-tip = Open every study below a folder
cmd-open-demo = Open the demo
cmd-open-demo-tip = Synthetic CT, chest radiograph and record, made on this computer
cmd-close-study = Close study
cmd-close-study-tip = Take the study off the screen; its files stay as they are
cmd-quit = Quit
cmd-quit-tip = Close the window
cmd-undo = Undo
cmd-undo-tip = Take back the last edit
cmd-redo = Redo
cmd-redo-tip = Make the last edit again
cmd-cancel = Cancel
cmd-cancel-tip = Stop the running gesture or job
cmd-layout-1x1 = One view
cmd-layout-1x1-tip = One viewport
cmd-layout-1x2 = Two views
cmd-layout-1x2-tip = Two viewports side by side
cmd-layout-2x2 = Four views
cmd-layout-2x2-tip = Two rows of two viewports
cmd-layout-mpr = MPR
cmd-layout-mpr-tip = Axial, coronal and sagittal planes of one volume
cmd-maximize = Maximise view
cmd-maximize-tip = Fill the centre with the active viewport, and back
cmd-tool-window-level = Window and level
cmd-tool-window-level-tip = Drag right for a wider window, up for a brighter picture
cmd-tool-zoom = Zoom
cmd-tool-zoom-tip = Drag up to enlarge
cmd-tool-pan = Pan
cmd-tool-pan-tip = Drag the picture
cmd-tool-scroll = Scroll
cmd-tool-scroll-tip = Drag through the images of the series
cmd-tool-crosshair = Crosshair
cmd-tool-crosshair-tip = Show the same patient point in all planes
cmd-start-with-scroll = Start with the scroll tool
cmd-start-with-scroll-tip = What is opened has the scroll tool on the left button, as in IHE Basic Image Review
cmd-tool-length = Length
cmd-tool-length-tip = Measure between two points
cmd-reset-view = Reset view
cmd-reset-view-tip = Window, zoom, position and orientation as at the start
cmd-fit = Fit to view
cmd-fit-tip = Show the whole image
cmd-zoom-in = Zoom in
cmd-zoom-in-tip = Enlarge by one step
cmd-zoom-out = Zoom out
cmd-zoom-out-tip = Reduce by one step
cmd-actual-pixels = One to one
cmd-actual-pixels-tip = One image pixel for each screen pixel
cmd-life-size = Life size
cmd-life-size-tip = As large on the screen as in the patient; needs the size of the monitor
cmd-monitor-size = Size of the monitor…
cmd-monitor-size-tip = Say how large a pixel of this monitor is
cmd-loupe = Magnifier
cmd-loupe-tip = Enlarge what lies under the pointer; hold the key to look for a moment, Ctrl and wheel change how much
cmd-loupe-window = Magnifier with its own window
cmd-loupe-window-tip = The magnifier takes its window from what it covers
cmd-window-numbers = Window by numbers
cmd-window-numbers-tip = Type width and level
field-window-width = W
field-window-center = L
button-apply = Apply
monitor-title = Size of the monitor
monitor-text = Monitors do not say reliably how large their pixels are. It stands in the manual as pixel pitch, or follows from the diagonal
monitor-pitch = Pixel pitch, mm
monitor-diagonal = Or diagonal, inches
notice-monitor-unknown = Size of the monitor unknown: no life size yet
notice-life-size-uncalibrated = No life size: the image is not calibrated
overlay-own-window = own window
overlay-life-size = Life size
cmd-invert = Invert
cmd-invert-tip = Exchange black and white
cmd-rotate-right = Rotate right
cmd-rotate-right-tip = Turn by 90° clockwise
cmd-rotate-left = Rotate left
cmd-rotate-left-tip = Turn by 90° anticlockwise
cmd-flip-horizontal = Flip horizontally
cmd-flip-horizontal-tip = Exchange left and right
cmd-flip-vertical = Flip vertically
cmd-flip-vertical-tip = Exchange top and bottom
cmd-interpolation = Next interpolation
cmd-interpolation-tip = Nearest voxel, linear, cubic
cmd-interpolation-nearest = Nearest voxel
cmd-interpolation-nearest-tip = Bare pixels, nothing between them
cmd-interpolation-linear = Linear interpolation
cmd-interpolation-linear-tip = Values between voxels in proportion to the distance
cmd-interpolation-cubic = Cubic interpolation
cmd-interpolation-cubic-tip = Catmull-Rom; sharper when enlarged, may overshoot at edges
cmd-area = Smooth reduced pictures
cmd-area-tip = Pixels that are larger than voxels show the mean of those under them
cmd-slab-mip = Maximum intensity slab
cmd-slab-mip-tip = The largest value along the line of sight; Alt and the wheel change the thickness
cmd-slab-minip = Minimum intensity slab
cmd-slab-minip-tip = The smallest value along the line of sight
cmd-slab-mean = Mean slab
cmd-slab-mean-tip = The mean along the line of sight, as a thicker slice would show it
cmd-slab-off = Single plane
cmd-slab-off-tip = No slab
cmd-slab-thicker = Thicker slab
cmd-slab-thicker-tip = The next thickness, half of it on each side of the plane
cmd-slab-thinner = Thinner slab
cmd-slab-thinner-tip = The previous thickness; under a millimetre there is no slab
cmd-planes-lock = Planes at right angles
cmd-planes-lock-tip = Planes that are turned by their lines stay at right angles, or turn one by one
cmd-planes-reset = Reset planes
cmd-planes-reset-tip = Axial, coronal and sagittal again, through the same point
cmd-image-previous = Previous image
cmd-image-previous-tip = One image back
cmd-image-next = Next image
cmd-image-next-tip = One image on
cmd-image-back-ten = Ten images back
cmd-image-back-ten-tip = Ten images back
cmd-image-on-ten = Ten images on
cmd-image-on-ten-tip = Ten images on
cmd-image-first = First image
cmd-image-first-tip = To the first image of the series
cmd-image-last = Last image
cmd-image-last-tip = To the last image of the series
cmd-series-previous = Previous series
cmd-series-previous-tip = Show the series before this one
cmd-series-next = Next series
cmd-series-next-tip = Show the series after this one
cmd-panel-next = Keyboard to the next panel
cmd-panel-next-tip = Menus, studies, panel at the right, status line; Tab goes on within it, Esc back to the pictures
cmd-view-next = Next view
cmd-view-next-tip = Make the next viewport active
cmd-view-previous = Previous view
cmd-view-previous-tip = Make the viewport before active
cmd-link-here = Link here
cmd-link-here-tip = What the views show now is the same place: from here on they scroll together
cmd-unlink = Undo “link here”
cmd-unlink-tip = Only views of one frame of reference stay linked
cmd-link-scroll = Scroll together
cmd-link-scroll-tip = Views of the same patient go through the slices together
cmd-link-pan = Pan together
cmd-link-pan-tip = Move the pictures of all views of the patient together
cmd-link-zoom = Zoom together
cmd-link-zoom-tip = Show all views of the patient at the same millimetres a pixel
cmd-link-window = Window together
cmd-link-window-tip = Use one window for all views of the same kind
cmd-reference-lines = Reference lines
cmd-reference-lines-tip = Where the slices of the active view cross the other views
link-by-place = Scrolls with other views by patient millimetres: one frame of reference
link-by-assumption = Scrolls with the prior by millimetres: the same slice is assumed, not registered. “Link here” says which slices correspond
link-by-offset = Scrolls with other views from where “link here” was said
link-question-title = Different patients
link-question-text = These views show different patients. Link them all the same?
link-question-yes = Link them
link-question-no = Leave it
notice-link-one-view = To link views, show series in at least two of them
overlay-cursor-off = { $mm } mm off this slice
overlay-beyond-end = { $mm } mm beyond the last slice
cmd-cine = Play
cmd-cine-tip = Play the images as a film, and stop
cmd-cine-faster = Play faster
cmd-cine-faster-tip = The next higher speed of the film
cmd-cine-slower = Play slower
cmd-cine-slower-tip = The next lower speed of the film
cine-play = Play
cine-pause = Pause
cine-loop = Round and round
cine-sweep = Forth and back
cine-range = Place and range of the film
cine-rate = { $rate } fps
cine-dropped = { $count } dropped
cine-by-vector = Times of the file, frame by frame (Frame Time Vector)
cine-by-frame-time = Time of the file (Frame Time)
cine-by-recommended-rate = Rate of the file (Recommended Display Frame Rate)
cine-by-trigger-time = Times after the beat of the heart
cine-by-cine-rate = Rate of the file (Cine Rate)
cine-by-nothing = The file names no rate: an assumed one
cmd-run-lung-segmentation = Segment the lungs
cmd-run-lung-segmentation-tip = Run the lung model on this chest radiograph; AI, not for diagnostic use
cmd-segment-volume = Segment the volume
cmd-segment-volume-tip = Run the chosen model over this whole series, nearest to the crosshair first; AI, not for diagnostic use
cmd-networks-on-cpu = Networks on the CPU
cmd-networks-on-cpu-tip = Run networks on the CPU, or where they ran before; what runs is cancelled
cmd-clear-segmentation = Remove AI result
cmd-clear-segmentation-tip = Take the AI result off this image
cmd-toggle-overlay = Hide overlays
cmd-toggle-overlay-tip = Hide or show masks and AI results
cmd-toggle-graphics = Overlay planes
cmd-toggle-graphics-tip = Hide or show the graphics that the image brings
cmd-toggle-shutter = Display shutter
cmd-toggle-shutter-tip = Apply the image’s shutter, or show all of the picture
cmd-overlay-text = Overlay text
cmd-overlay-text-tip = Full, minimal, none
cmd-hide-identity = Hide identity
cmd-hide-identity-tip = Take names, numbers and dates of birth off the screen
cmd-panel-left = Series panel
cmd-panel-left-tip = Show or hide the list of studies and series
cmd-panel-right = Record panel
cmd-panel-right-tip = Show or hide the record, findings, AI and the report
cmd-panel-bottom = Status bar
cmd-panel-bottom-tip = Show or hide the status bar
cmd-full-screen = Full screen
cmd-full-screen-tip = Fill the screen, and back
cmd-palette = Commands…
cmd-palette-tip = Find any command by its name
cmd-help = Help
cmd-help-tip = Keys and gestures
cmd-about = About Negatoscope
cmd-about-tip = Version, licences and third-party notices
cmd-language = Language
cmd-language-tip = English or 简体中文
cmd-theme-light = Light theme
cmd-theme-light-tip = Light panels; the image area stays black
cmd-copy-findings = Copy the list
cmd-copy-findings-tip = Copy these messages as text

## Window presets: width and level in HU where they are for CT

preset-file = As in the file
preset-auto = Automatic
preset-soft-tissue = Soft tissue
preset-lung = Lung
preset-bone = Bone
preset-brain = Brain
preset-mediastinum = Mediastinum
preset-liver = Liver
preset-subdural = Subdural
preset-stroke = Stroke
preset-ct-angiography = CT angiography
preset-values = { $name }, W { $width } L { $center }

## First screen

first-drop = Drop a folder, a ZIP or files here
first-drop-active = Let go to open
first-open-folder = Open folder
first-open-files = Open files
first-open-demo = Open the demo
first-recent = Recent studies
first-no-recent = Studies that you open appear here

## Viewport overlay

overlay-part = Part { $number } of { $count }
overlay-image-of = Image { $number } of { $count }
overlay-frame-of = Frame { $number } of { $count }
overlay-series = Series { $number }
overlay-window-file = file
overlay-window-file-named = file: { $name }
overlay-window-preset = preset: { $name }
overlay-window-result = filtered, { $low } to { $high } %
overlay-window-hand = by hand
overlay-phase = phase at { $ms } ms
overlay-window = W { $width } L { $center }
overlay-zoom = Zoom { $percent } %
overlay-thickness = Thickness { $mm } mm
overlay-location = Location { $mm } mm
overlay-position-patient = Patient { $x }, { $y }, { $z } mm
overlay-pixel = Column { $column }, row { $row }
overlay-voxel = voxel { $index }
overlay-stored = stored { $value }
overlay-shown = shown { $value }
overlay-outside = Outside the image
overlay-padding = No image here
overlay-suv-decay = { $minutes } min after injection
overlay-suv-injection = corrected to injection
overlay-suv-maker = maker's factor
overlay-suv-stored = as stored
overlay-loading = Loading { $done } of { $total }
overlay-no-image = No image
overlay-empty = Drag a series here, or double-click one
overlay-axial = Axial
overlay-coronal = Coronal
overlay-sagittal = Sagittal
overlay-oblique = { $plane } oblique { $degrees }°
overlay-slab = { $mode } { $mm } mm, { $points ->
    [one] { $points } sample
   *[other] { $points } samples
}
overlay-slab-mip = MIP
overlay-slab-minip = MinIP
overlay-slab-mean = Mean
overlay-nearest = Nearest
overlay-linear = Linear
overlay-cubic = Cubic
overlay-area = Area mean
overlay-stack = Stack
overlay-unit-raw = raw value
overlay-born = Born { $date }
overlay-sex-female = F
overlay-sex-male = M
overlay-sex-other = O
overlay-age = { $years ->
    [one] { $years } year
   *[other] { $years } years
 }
overlay-text-full = Full
overlay-text-minimal = Minimal
overlay-text-none = None

## Badges: short, in capitals only where they warn of the picture itself

badge-not-diagnostic = Not for diagnostic use
badge-lossy = LOSSY { $ratio }:1 ({ $method })
badge-more-lines = + { $count } more
badge-more-findings = { $count ->
    [one] One more in Findings
   *[other] { $count } more in Findings
}
badge-lossy-unknown = LOSSY, ratio unknown
badge-lossy-undeclared = LOSSY, not declared by the file
badge-loading = Series still loading { $percent } %
badge-slab-provisional = PROVISIONAL: { $missing ->
    [one] { $missing } slice of the series is not there
   *[other] { $missing } slices of the series are not there
}
badge-reduced = Shown at 1/{ $factor } resolution; measurements use full data
badge-over-budget = Larger than the memory budget: shown as a stack
badge-provisional = Provisional
badge-cannot-decode = This frame cannot be decoded
badge-cannot-decode-reason = Reason
badge-flipped = FLIPPED
badge-rotated = ROTATED { $degrees }°
badge-orientation-unknown = Orientation unknown
badge-inverted = INVERTED
badge-shutter = SHUTTER ON
badge-shutter-off = Shutter off
badge-graphics = Overlay { $name }
badge-graphics-hidden = Overlay planes hidden
badge-uncalibrated = Not calibrated
badge-length-pixel-spacing = mm (Pixel Spacing)
badge-length-calibrated = mm (calibrated)
badge-length-geometry = mm (geometry corrected)
badge-length-fiducial = mm (fiducial calibrated)
badge-length-unknown = mm (Pixel Spacing, calibration unknown)
badge-length-detector = mm at detector (not corrected)
badge-length-magnification = mm (magnification { $factor })
badge-length-ultrasound = mm (ultrasound region)
badge-length-pixels = px (uncalibrated)
badge-value-hu = HU
badge-value-raw = Values have no unit
badge-ai = AI
badge-ai-model = { $model } { $version }
badge-ai-trained = Trained { $date }
badge-ai-run = Run { $date }
badge-ai-threshold = Threshold { $threshold }
badge-ai-confidence = Mean probability { $percent } %, not calibrated
badge-ai-not-calibrated = Confidence not calibrated
badge-ai-stale = Out of date: the input or the settings changed
badge-ai-outside-range = Outside the validated range
badge-ai-refused = AI refused: { $reason }
badge-ai-none = No finding by { $model } { $version } – not a normal result
badge-ai-try-cpu = AI did not run: { $reason }. The command “Networks on the CPU” lets it run there
badge-ai-failed = AI did not run: { $reason }
badge-ai-hidden = AI results hidden
badge-ai-synthetic = Synthetic training only
badge-cpu-drawing = Drawn by the CPU
badge-gpu-restarted = GPU restarted
badge-nothing-kept = Nothing kept
badge-nothing-kept-tip = Without a passphrase nothing is stored; the passphrase is asked for at the first mark
badge-synthetic = SYNTHETIC
badge-identity-hidden = Identity hidden
badge-linked = Linked
badge-low-is-white = Low values white
badge-no-hounsfield = Values are not HU
badge-rescale-by-slice = Rescale differs by slice
badge-presentation-lut = Presentation LUT
badge-no-frame-of-reference = No frame of reference
badge-rejected = { $count ->
    [one] { $count } file beside it does not open
   *[other] { $count } files beside it do not open
}
overlay-from-feet = seen from the feet
overlay-from-head = seen from the head
overlay-from-front = seen from the front
overlay-from-back = seen from the back
overlay-from-left = seen from the left
overlay-from-right = seen from the right
why-ai = Made by a network and checked by nobody; G hides it
why-finding = Noticed while reading the files; a click lists everything
why-graphics = The image brings graphics of its own, which are no pixels; Shift+G switches them
why-identity-hidden = Names, numbers and dates are hidden everywhere; Ctrl+Shift+H shows them
why-inverted = You exchanged black and white; I brings it back
why-length-calibrated = The file says that its spacing is corrected or calibrated, and not how
why-length-detector = Distances on the detector: what lies in the patient is smaller
why-length-fiducial = Calibrated against an object of known size; true at the depth of that object
why-length-geometry = Corrected for a known or assumed magnification; true at one depth only
why-length-magnification = Distances on the detector, divided by the magnification that the file estimates
why-length-nominal = Distances on the film that was scanned, not in the patient
why-length-pixel-spacing = Distances in the patient, as the file gives them (Pixel Spacing)
why-length-pixels = The file gives no spacing: lengths are numbers of pixels
why-length-ultrasound = Distances as the ultrasound region gives them, and only in that region
why-length-unknown = The spacing may be that of the detector or of the patient; the file does not say
why-length-volume = Distances as the header of the volume gives them
why-length-user = Somebody stated how long a drawn line is; true at the depth of that line
why-loading = Images are still arriving; what is missing is hatched in cuts
why-lossy = Details were given up to save room, before the files came here
why-low-is-white = The file says that its lowest value is white (MONOCHROME1), and is shown so
why-no-frame-of-reference = The file names no frame of reference: other views cannot be linked by place
why-no-hounsfield = Rescale Type does not say HU and the image is not an original CT: numbers are not comparable
why-orientation-unknown = The file does not say how the picture lies in the patient: no letters, no cuts
why-over-budget = Not all images fit the memory that may be used: no cuts, and images load as you come to them
why-presentation-lut = The file brings its own curve to grey values, which is followed
why-reduced = The picture is larger than the graphics device allows; numbers come from all of it
why-rescale-by-slice = Each slice has its own scale, as in PET; values are converted slice by slice
why-seen-from = Patient position in the machine, and from where this view looks at the patient
why-shutter = The file hides a part of the picture; Shift+S shows it
why-side = View position and side as the file says; letters in the picture itself count more
why-sigmoid = The window is a soft curve and not a straight line, as the file asks
why-synthetic = Made up by this program: no patient
why-turned = You turned or mirrored the picture; the letters followed. Ctrl+0 brings it back
why-window = Click to type width and level

## Banners across the window or a viewport

banner-different-patients = Different patients are on the screen
banner-different-patients-detail = Linking and comparing stay off until you confirm
banner-missing-images = { $count ->
    [one] { $count } of { $total } images is missing
   *[other] { $count } of { $total } images are missing
 }
banner-rejected = { $count ->
    [one] { $count } file was rejected
   *[other] { $count } files were rejected
 }
banner-mpr-off = MPR is off for this series
banner-findings = { $count ->
    [one] { $count } thing to know about this series
   *[other] { $count } things to know about this series
 }
banner-no-gpu = No GPU was found; the CPU draws
banner-restored = { $count ->
    [one] { $count } mark restored
   *[other] { $count } marks restored
 }

## Patient banner

patient-none = No patient
patient-id = ID { $id }
patient-born = Born { $date }
patient-unknown-name = No name in the file
patient-sex-female = Female
patient-sex-male = Male
patient-sex-other = Other
patient-sex-unknown = Sex not given
patient-deceased = Died { $date }

## Study and series list

list-title = Studies
list-empty = No study is open
list-study-undated = Study without a date
list-series-unnamed = Series without a description
list-images = { $count ->
    [one] { $count } image
   *[other] { $count } images
 }
list-frames = { $count ->
    [one] { $count } frame
   *[other] { $count } frames
 }
list-reading = Reading { $done } of { $total }

## Panel tabs and the record

panel-tab-record = Record
panel-tab-findings = Findings
panel-tab-segments = Segments
panel-tab-ai = AI
panel-tab-tags = Tags
panel-record = Record
panel-conditions = Conditions
panel-medications = Medications
panel-allergies = Allergies
panel-labs = Laboratory
panel-vitals = Vital signs
panel-procedures = Procedures
panel-encounters = Encounters
panel-imaging-studies = Imaging studies
panel-other-observations = Other observations
panel-active = Active
panel-resolved = Resolved
panel-stopped = Stopped
panel-since = Since { $date }
panel-until = Until { $date }
panel-undated = No date
panel-reference-range = Reference { $low } – { $high }
panel-reference-below = Reference below { $high }
panel-reference-above = Reference above { $low }
panel-no-reference-range = No reference range
panel-high = High
panel-low = Low
panel-critical = Critical
panel-values = { $count ->
    [one] { $count } value
   *[other] { $count } values
 }
panel-open-study = On the screen
panel-no-record = No record for this patient
panel-no-record-detail = Open a FHIR bundle of this patient to see the record here
panel-nothing-recorded = Nothing recorded
panel-no-allergies-recorded = No allergies recorded; this does not mean there are none
panel-not-sure = Not sure this is the same patient
panel-not-sure-detail = The record is hidden until you confirm
panel-show-anyway = Show this record
panel-mismatch = The record is of another patient
panel-mismatch-field = Different: { $field }
panel-mismatch-name = name
panel-mismatch-birth-date = date of birth
panel-mismatch-sex = sex
panel-mismatch-id = patient ID
panel-identity-hidden = Identity hidden
panel-loading = Loading the record
panel-unknown-resources = { $count ->
    [one] { $count } entry of a kind not shown here
   *[other] { $count } entries of kinds not shown here
 }
panel-more = { $count } more
panel-days-ago = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
 }
panel-months-ago = { $count ->
    [one] { $count } month ago
   *[other] { $count } months ago
 }
panel-years-ago = { $count ->
    [one] { $count } year ago
   *[other] { $count } years ago
 }
panel-today = Today
panel-tags-search = Search tags
panel-tags-empty = No image is active

## AI panel

ai-volumes = Volumes
ai-no-volume-model = No model for volumes is installed
ai-volume-not-loaded = The series is still being read
ai-mirrors = Also look at mirror images
ai-mirrors-tip = { $count ->
    [one] The model sees each part once, as it is
   *[other] The model sees each part { $count } times, turned over, and the answers are averaged: a little better, and takes { $count } times as long
 }
ai-windows-done = { $done } of { $all } windows
ai-no-result = No AI result for this image
ai-run = Run
ai-threshold = Threshold
ai-opacity = Opacity
ai-device = Device
ai-duration = Time
ai-duration-seconds = { $seconds } s
ai-model-hash = Weights
ai-area = Area
ai-area-percent = { $percent } % of the image
ai-only-chest = The lung model is for frontal chest radiographs of adults

## Parts of a series that holds several stacks. A word is one of the file.

part-b-value = b={ $value }
part-direction = direction { $number } of { $count }
part-no-direction = no direction
part-echo-time = TE { $value } ms
part-echo = echo { $value }
part-inversion-time = TI { $value } ms
part-flip-angle = flip angle { $value }°
part-kvp = { $value } kV
part-kernel = kernel { $word }
part-image-type = { $word }
part-energy-window = energy window { $value }
part-detector = detector { $value }
part-trigger-time = phase at { $value } ms
part-cardiac-phase = cardiac phase { $value } %
part-acquisition = acquisition { $value }
part-phase = phase { $number } of { $count }
part-repeat = repeat { $number } of { $count }
part-axial = axial, plane { $number } of { $count }
part-coronal = coronal, plane { $number } of { $count }
part-sagittal = sagittal, plane { $number } of { $count }

## Findings: the key is made of the code, the placeables are the finding's numbers. A key that ends in -bare is
## taken where a finding comes without its numbers.

finding-slice-gap = { $gaps ->
    [one] { $count } of { $total } images missing (between { $after } and { $before }); slices are { $step_mm } mm apart
   *[other] { $count } of { $total } images missing (the first between { $after } and { $before }); slices are { $step_mm } mm apart
 }
finding-stack-split = One of { $parts } stacks of this series over { $positions ->
    [one] { $positions } position
   *[other] { $positions } positions
 }: number { $part }
finding-positions-missing = { $count ->
    [one] { $count } of { $positions } positions that other stacks have is missing
   *[other] { $count } of { $positions } positions that other stacks have are missing
}
finding-localizer-apart = { $count ->
    [one] One image of another direction lies apart from the rest of the series
   *[other] { $count } images of another direction lie apart from the rest of the series
 }
finding-orientation-split = Images lie in { $parts ->
    [one] { $parts } direction
   *[other] { $parts } directions
 }; this is stack { $part }
finding-numbers-disordered = Image numbers do not follow the positions ({ $count ->
    [one] once
   *[other] { $count } times
 }); ordered by position
finding-concatenation-incomplete = { $count ->
    [one] { $count } of { $total } parts of the object is missing, the first is part { $first }
   *[other] { $count } of { $total } parts of the object are missing, the first is part { $first }
}
finding-mosaic-split = A mosaic of { $count ->
    [one] { $count } slice
   *[other] { $count } slices
}
finding-mosaic-not-split = A mosaic that cannot be taken apart is shown as one picture
finding-duplicate-position = { $count ->
    [one] { $count } image has the position of another
   *[other] { $count } images have the position of another
 }
finding-duplicate-instance = { $count ->
    [one] { $count } object carries an identifier that came before; the first is shown
   *[other] { $count } objects carry an identifier that came before; the first of each is shown
 }
finding-irregular-spacing = Slices are { $min_mm } to { $max_mm } mm apart
finding-irregular-spacing-bare = Images at one depth lie beside each other
finding-shifted-slices = Slices are shifted sideways by up to { $mm } mm
finding-gantry-tilt = Gantry tilt { $degrees }°, not corrected
finding-gantry-tilt-corrected = Gantry tilt { $degrees }°, corrected
finding-mixed-orientation = Images lie in different planes, up to { $degrees }° apart
finding-mixed-unit = Another unit in { $frames ->
    [one] one image
   *[other] { $frames } images
 }
finding-mixed-rescale = Another rescale in { $frames ->
    [one] { $frames } image
   *[other] { $frames } images
 }; each slice keeps its own
finding-mixed-spacing = Another pixel spacing in { $frames ->
    [one] { $frames } image
   *[other] { $frames } images
 }
finding-mixed-padding = Another padding value in { $frames ->
    [one] { $frames } image
   *[other] { $frames } images
 }
finding-mixed-photometric = Another photometric interpretation in { $frames ->
    [one] { $frames } image
   *[other] { $frames } images
 }
finding-mixed-frame-of-reference = Another frame of reference in { $frames ->
    [one] { $frames } image
   *[other] { $frames } images
 }
finding-mixed-size = Images differ in size or type; each kind is a stack of its own
finding-no-geometry = { $frames ->
    [one] { $frames } image has no position in the patient; ordered by number
   *[other] { $frames } images have no position in the patient; ordered by number
 }
finding-single-position = { $frames ->
    [one] { $frames } image at one position, ordered by number
   *[other] { $frames } images at one position, ordered by number
}
finding-single-position-phases = { $frames ->
    [one] { $frames } image at one position, ordered by trigger time
   *[other] { $frames } images at one position, ordered by trigger time
}
finding-several-phases = Every position was imaged { $phases ->
    [one] once
   *[other] { $phases } times
 }; this is number { $phase }
finding-localizer = Localiser image
finding-uncalibrated = Pixel spacing not known; lengths are in pixels
finding-spacing-invalid = Pixel spacing is not two positive numbers; lengths are in pixels
finding-spacing-at-detector = Millimetres are those at the detector, not corrected for magnification
finding-spacing-magnified = Millimetres are corrected by an estimated magnification of { $factor }
finding-calibration-unknown = How the spacing was calibrated is not known
finding-calibration-contradicts = Pixel Spacing is said to be corrected, but is that of the detector; taken as at the detector
finding-magnification-invalid = The magnification factor cannot be and is not applied
finding-region-place-unknown = An ultrasound region does not say where it lies; its scale is used everywhere
finding-several-regions = Ultrasound regions of different scale; lengths are in pixels
finding-orientation-invalid = Position or orientation in the patient is not sane; both are ignored
finding-laterality-conflict = Two attributes name different sides of the patient
finding-lossy = Lossy compression { $ratio }:1
finding-lossy-mammogram = Lossy mammogram: not for primary interpretation
finding-lossy-bare = Lossy compression, ratio unknown
finding-lossy-undeclared = The transfer syntax is lossy, but the file does not say so
finding-single-slice = One slice only
finding-turned-picture = The picture says it must be turned; it is shown as stored
finding-archive-name = Its name in the archive leads elsewhere, or is none on some systems; it is only shown
finding-archive-name-twice = Another file of the archive has the same name, or the same but for case
finding-pages-not-shown = { $count ->
    [one] One page of another size or type is not shown
   *[other] { $count } pages of another size or type are not shown
}
finding-values-turned-over = Low values are white in the file; its values are turned over
finding-sign-mismatch = Pixel Representation and the compressed data differ in whether values have a sign
finding-suv-missing = SUV unavailable: { $attributes } missing, unreadable or not the same in all images
finding-suv-implausible = SUV unavailable: { $attributes } has a number that no examination has
finding-suv-contradiction = SUV unavailable: { $attributes } cannot all be true
finding-suv-not-corrected = SUV unavailable: values are not corrected for attenuation or decay ({ $attributes })
finding-suv-unsupported = SUV unavailable: { $attributes } is of a kind that is not supported
finding-suv-times = SUV unavailable: impossible order of injection and scan ({ $attributes })
finding-suv-time-zone = SUV unavailable: times of different zones ({ $attributes })
finding-suv-differs = SUV unavailable: every slice has a factor of its own; measure on one of them
finding-suv-day-before = SUV: the injection is taken to be on the day before the scan
finding-suv-decay-factor-differs = SUV: Decay Factor does not fit the times
finding-suv-dose-unusual = SUV: the dose is unusual
finding-suv-half-life-differs = SUV: the half life is { $percent } % off that of the nuclide
finding-suv-half-life-unchecked = SUV: the nuclide is not named or not known; its half life is taken as it is
finding-suv-maker-factor-differs = SUV: the maker's factor is not quite the one of dose, weight and times
finding-suv-reference-time-differs = SUV: Frame Reference Time does not fit the other times
finding-suv-series-time-unused = SUV: Series Time is not the beginning of the scan; another time is used
finding-suv-type-absent = SUV Type is absent, which means body weight
finding-suv-weight-unusual = SUV: the weight is that of an animal
finding-patient-mismatch = The files of this study name different patients and are kept apart
finding-rescale-incomplete = Rescale slope or intercept is missing; stored values are shown
finding-voi-lut-invalid = A VOI LUT does not fit its descriptor and is left out
finding-voi-function = The VOI LUT function is not known; LINEAR is used
finding-window-invalid = A window of the file cannot be used and is left out
finding-window-count = Window centres and widths differ in number; the common ones count
finding-padding-range = The pixel padding value cannot occur in the pixels
finding-high-bit = The stored bits are not the lowest ones; High Bit says where they are
finding-no-planar = Planar Configuration is missing; colours are taken as interleaved
finding-frame-groups = { $frames ->
    [one] { $frames } frame
   *[other] { $frames } frames
 }, but { $descriptions ->
    [one] { $descriptions } description of frames
   *[other] { $descriptions } descriptions of frames
}
finding-pixel-data-long = Pixel Data hold { $bytes ->
    [one] { $bytes } byte
   *[other] { $bytes } bytes
 }, { $used } are used
finding-no-offset-table = No offset table; frames were found by where they begin
finding-bad-uid = An identifier holds other signs than digits and dots, or is too long
finding-syntax-mismatch = The data are not written as the transfer syntax says
finding-preamble-content = The preamble of the file is not empty
finding-no-preamble = The preamble of the file is missing
finding-no-meta-header = The file has no meta header; its syntax was recognised from the data
finding-meta-length = The length of the meta header is wrong
finding-trailing-bytes = { $bytes ->
    [one] { $bytes } byte follows the last element and is not read
   *[other] { $bytes } bytes follow the last element and are not read
 }
finding-odd-group = Elements of a group that files must not use
finding-tag-order = Elements are out of order or doubled; the first of each counts
finding-no-delimiter = The last sequence has no end mark
finding-delimiter-length = An end mark has a length
finding-stray-item = An item outside a sequence is stepped over
finding-aspect-invalid = The pixel aspect ratio cannot be; pixels are taken as square
finding-missing-type-1 = Required attributes are missing or empty: { $attributes }
finding-laterality-text = The laterality attribute says { $attribute }, the text of the series { $text }
finding-mixed-modality = Images of several modalities in one series; each is a stack of its own
finding-mixed-bits = Another number of stored bits in { $frames ->
    [one] { $frames } image
   *[other] { $frames } images
 }
finding-images-missing = { $count ->
    [one] { $count } of { $total } images of the acquisition is missing
   *[other] { $count } of { $total } images of the acquisition are missing
}
finding-numbers-missing = { $count } of { $total } images missing by their numbers (the first between { $after } and { $before })
finding-patient-not-named = { $count ->
    [one] { $count } of { $total } images names no patient and is taken as of the same one
   *[other] { $count } of { $total } images name no patient and are taken as of the same one
}
finding-series-of-patients = Files of different patients carry one series identifier and are kept apart
finding-series-of-studies = Files of several studies carry one series identifier and are kept apart
finding-same-uid-other-pixels = Another file with the same identifier holds other pixels
finding-directory-mismatch = The DICOMDIR says otherwise than the file: { $attributes }
finding-frame-divided = { $frames ->
    [one] One frame lies in several fragments, which its coding does not allow
   *[other] { $frames } frames lie in several fragments each, which their coding does not allow
 }
finding-frames-undeclared = Pixel Data hold { $found ->
    [one] { $found } picture
   *[other] { $found } pictures
 }, { $frames ->
    [one] { $frames } is declared
   *[other] { $frames } are declared
 }; the others are not shown

## Findings of the AI: outside of what the model was made for, or an odd result

finding-no-picture = The object holds no picture
finding-scope-unknown = The file does not say what it shows; the model is for frontal chest radiographs of adults
finding-not-a-radiograph = Not a plain chest radiograph
finding-not-a-chest = The file names another body part than the chest
finding-body-part-unknown = The file names no body part
finding-colour-picture = A colour picture; the model was made for grey radiographs
finding-many-frames = A sequence; the model is for single radiographs
finding-lateral-view = Not a frontal view; the model knows PA and AP only
finding-view-unknown = The file does not say that the view is frontal
finding-child = Under 16 years; the model is meant for adults
finding-age-unknown = No age in the file; the model is meant for adults
finding-no-contrast = The picture has no contrast
finding-no-lung = No lung was found
finding-few-pixels = The picture has fewer pixels than the network looks at
finding-synthetic-only = The model was trained on generated pictures alone; it is shown real patients only when asked to
finding-one-lung = Only one lung was found
finding-lung-area-unusual = The lung fields cover { $percent } % of the picture; 7 % to 50 % are usual
finding-smaller-window = Memory did not suffice for the windows that the network was trained on; smaller ones were used
finding-unusual-shape = The picture is much longer on one side; the network sees it squeezed to a square

## Doubts about the record

finding-birth-date-unreadable = The birth date cannot be read
finding-birth-date-in-future = The birth date lies in the future
finding-deceased-without-date = The patient is deceased, the day is not recorded
finding-death-before-birth = The day of death lies before the birth date
finding-resource-twice = Two different entries have one id; the later one is kept
finding-unit-missing = A quantity has no unit
finding-negative-value = A quantity that cannot be negative is

## Status bar

status-ready = Ready
status-saved = Saved { $time }
status-not-saved = NOT SAVED: { $reason }
status-jobs = { $count ->
    [one] { $count } job
   *[other] { $count } jobs
 }
status-gpu-memory = GPU memory { $megabytes } MB
status-adapter = { $adapter }
status-display-not-calibrated = Display not calibrated
status-language = { $language }

## Jobs

job-reading = Reading files
job-decoding = Decoding
job-segmenting-volume = Segmenting the volume
job-segmenting = Segmenting the lungs
job-importing = Importing
job-making-demo = Making the demo
job-loading-record = Reading the record
job-done = Done
job-cancelled = Cancelled
job-failed = Failed: { $reason }
job-progress = { $done } of { $total }

## Files that do not open, by outcome

rejected-title = Files that did not open
rejected-count = Received { $received }, shown { $shown }, rejected { $rejected }
rejected-not-dicom = Not a DICOM file, a picture or a record
rejected-truncated = The file ends too early
rejected-damaged = The file is damaged
rejected-unsupported = This kind of file is not supported
rejected-codec = This compression is not supported
rejected-no-pixels = The file has no image
rejected-limit = The file exceeds a limit
rejected-unreadable = The file cannot be read
rejected-empty = The file is empty
rejected-password = The archive needs a password
rejected-nothing-found = Nothing to show was found there

## Saving

save-ready = Marks are kept
save-saving = Saving…
save-opening = Opening the store…
save-disk-full = NOT SAVED: disk full
save-disk-full-advice = Make room on the disk of the store; what you did is in memory and is saved by itself then
save-denied = NOT SAVED: no permission
save-denied-advice = The folder of the store may not be written; allow it, and what you did is saved by itself
save-disk = NOT SAVED: the disk does not answer
save-disk-advice = Check the disk of the store; what you did is in memory and is tried again every second
save-invalid = NOT SAVED: the store refused the last change
save-invalid-advice = Take the last change back and make it again
save-stopped = NOT SAVED: the saving part of the program stopped
save-stopped-advice = What you did is in memory. Click the state of saving in the status line and give the passphrase: all of it goes into the store again
save-saved-tip = What you do is on the disk, encrypted, when this says so
save-nothing-kept = Nothing kept
save-nothing-kept-tip = No store is open: marks and reports live in memory until the window closes. Click to keep them
save-in-use = Nothing kept: store open in another window
save-in-use-tip = Another window or command has the store open. What it kept is shown as it was; what you do here is not kept
save-damaged = Nothing kept: store damaged
save-damaged-tip = The journal of the store is not as it was written. What stands before the damage is shown; what you do here is not kept
save-store-title = Keep what you mark
save-store-text = Marks, key images, read status and reports are kept in the encrypted store of this computer. Its passphrase opens it
save-store-text-new = Marks, key images, read status and reports can be kept in an encrypted store on this computer. Choose its passphrase; without it nobody can open the store, you included
save-store-again = Once more
save-store-differ = The two are not the same
save-store-wrong = This passphrase does not open the store; try again
save-store-newer = A later version of this program wrote the store; it is left untouched
save-store-broken = The store is damaged and does not open
save-store-refused = The store cannot be opened: the disk or the system refused
save-store-privacy = The passphrase is never written down
save-store-remember = Remember the key on this computer
save-store-remember-tip = The keyring of the operating system keeps it until you take it back with “Forget the key on this computer”. The passphrase still opens the store, unlocks the window and is needed for accounts and keys
save-store-open = Keep
save-store-leave = Keep nothing
save-closing-title = Close without saving?
save-closing-text = { $count ->
    [one] { $count } change is on no disk and will be lost
   *[other] { $count } changes are on no disk and will be lost
}
save-closing-stay = Stay
save-closing-keep = Keep them…
save-closing-lose = Close and lose them
notice-undo-skipped = What this step changed is no longer open
notice-store-in-use = The store is open in another window: what it kept is shown, what you do here is not kept
notice-store-damaged = The journal of the store is damaged: what stands before the damage is shown, nothing new is kept
notice-restored = { $count ->
    [one] Restored { $count } annotation from { $detail }
   *[other] Restored { $count } annotations from { $detail }
}
notice-segment-locked = The segment is locked. Unlock it to change it
notice-restored-views = Restored what was on the screen at { $detail }

## Encrypted archives

unlock-title = This archive is encrypted
unlock-text = { $count ->
    [one] { $count } file in it is locked; its passphrase opens it
   *[other] { $count } files in it are locked; its passphrase opens them
}
unlock-field = Passphrase
unlock-show = Show what is typed
unlock-privacy = Kept in memory until the study is closed, never written down
unlock-trying = Trying…
unlock-wrong = This passphrase does not open it; try again
unlock-open = Unlock
unlock-leave = Leave locked
unlock-again = Enter the passphrase…

## Errors

error-title = That did not work
error-internal = An internal error happened; your work was kept
error-disk-full = The disk is full; free some space and try again
error-no-display = No display was found
error-out-of-gpu-memory = The GPU has not enough memory for this
error-no-model = The lung model is missing or damaged
error-file-dialog = The file dialog did not open; drop files on the window instead
error-store-locked = The store is locked
error-wrong-passphrase = Wrong passphrase
error-store-damaged = The store is damaged

## Buttons and small words

button-ok = OK
button-close = Close
button-cancel = Cancel
button-confirm = Confirm
button-details = Details
button-copy = Copy
button-retry = Try again
button-search = Search
word-yes = Yes
word-no = No
word-unknown = Unknown
word-not-given = Not given

## Palette and help

palette-hint = Type a command
palette-nothing = No command matches
help-title = Keys and gestures
help-keys = Keys
help-mouse = Mouse
help-mouse-left = Left drag: active tool
help-mouse-middle = Middle drag: pan
help-mouse-right = Right drag: zoom
help-mouse-wheel = Wheel: images
help-mouse-ctrl-wheel = Ctrl and wheel: zoom at the cursor
help-mouse-shift-move = Shift and move: crosshair follows
help-mouse-double-click = Double click: maximise or restore

## The rest of the window

ai-notice = AI, not for diagnostic use
ai-model = Model
ai-trained = Trained
ai-finished = Run at
ai-confidence = Confidence
ai-outline = Outline
ai-color = Colour
ai-result = Result
ai-visible = Show
ai-computed-elsewhere = Computed on the CPU and uploaded once for drawing
badge-length-nominal = mm (nominal scanned)
badge-length-volume = mm (volume header)
badge-length-user = mm (user calibration by { $by }, { $date })
cmd-import-record = Import a record…
cmd-import-record-tip = Take FHIR R4 bundles into the store
first-hint = Everything stays on this computer
help-mouse-fine = Shift while dragging: fine; Ctrl and Shift: coarse
help-mouse-region = Ctrl and left drag: window from the region
menu-navigate = Navigate
notice-demo-failed = The demo could not be made: { $detail }
notice-networks-on-cpu = Networks run on the CPU
notice-networks-as-before = Networks run where they ran before
notice-no-ai = This build has no networks
notice-scan-failed = Reading the files was broken off by a fault; what was found until then is shown
notice-record-stopped = The record store stopped after a fault; import the record again
notice-record-failed = The record could not be read: { $detail }
notice-record-imported = Record imported: { $count ->
    [one] { $count } new resource
   *[other] { $count } new resources
}
notice-record-mapping = A table needs its mapping file: choose both together (.csv and .toml)
panel-whose = { $count ->
    [one] { $count } file does not say whose it is
   *[other] { $count } files do not say whose they are
}
panel-whose-take = Take in for { $name }
panel-whose-nobody = Show the patient first whose record is known here
panel-whose-leave = Leave out
panel-duplicates = Perhaps recorded twice
panel-duplicates-equal = equal but for their numbers
panel-duplicates-alike = one moment, one value; details differ
panel-duplicates-merge = Merge
panel-merged = Merged
panel-merged-part = Part again
panel-about-series = About this series
panel-failed = The record could not be read
panel-files = Files
panel-mismatch-detail = A record with this number exists, but name, date of birth or sex differ. Nothing of it is shown
panel-not-sure-shown = Too little is known to be certain; compare name and date of birth
panel-nothing-noticed = Nothing to note
viewport-name = View { $number }
list-notes = { $count ->
    [one] { $count } note
   *[other] { $count } notes
 }

finding-overlay-not-drawn = { $planes ->
    [one] { $planes } overlay plane is damaged or empty and not drawn
   *[other] { $planes } overlay planes are damaged or empty and not drawn
 }
finding-overlay-clipped = { $planes ->
    [one] { $planes } overlay plane reaches beyond the image and is cut at its border
   *[other] { $planes } overlay planes reach beyond the image and are cut at its border
 }
finding-shutter-not-applied = A display shutter, or a part of it, is damaged and not applied
finding-presentation-lut-invalid = The presentation LUT does not fit its descriptor and is left out
finding-icc-profile = The colours are shown without the conversion that their ICC profile asks for
finding-icc-profile-srgb = The colours are sRGB by their ICC profile and shown as stored

# Research volumes
finding-several-volumes = The file holds { $count ->
    [one] { $count } volume
   *[other] { $count } volumes
 }; the first is shown
finding-sheared-plane = Rows and columns are not at right angles; shown as a stack without positions
finding-orientation-unknown = How the volume lies in the patient is not known
finding-spacing-unknown = The distance of the voxels is not known
finding-origin-unknown = Where the volume lies is not known; it begins at zero
finding-units-assumed = The file names no unit of length; millimetres are assumed
finding-units-converted = Lengths were converted to millimetres
finding-standard-space = Positions are those of a standard space, not of this patient
finding-forms-disagree = The two positions in the file differ; the one that counts is used
finding-spacing-sign = The voxel distance has a wrong sign
finding-header-length = The header names a wrong length of its own
finding-bitpix-mismatch = The header contradicts itself about the bits of a voxel
finding-extensions-skipped = Extensions of the header are not read
finding-field-unknown = The header has fields that are not known
finding-quantised = The values were rounded when the file was written
finding-intent-label = The values are labels
finding-integer-as-float = Whole numbers of 64 bits are shown as floating-point numbers
finding-volumes-left-out = Further volumes are left out, since they exceed the memory that may be used
finding-affine-rounded = The position was rounded when it was written
finding-float32-rounded = Values were rounded to 32 bits when they were written
finding-padding-not-kept = Which values are padding cannot be written in this format

# Measuring
finding-aspect-applied = Pixels are not square: lengths count column distances, a row is { $aspect } of them
finding-point-outside-image = { $points ->
    [one] { $points } point lies outside the image
   *[other] { $points } points lie outside the image
}
finding-not-perpendicular = { $degrees }° off a right angle
finding-axes-apart = The diameters do not cross
finding-foot-beyond-line = The foot of the perpendicular lies beyond the ends of the line
finding-self-crossing = The outline crosses or touches itself; area and pixels follow the even-odd rule
finding-outside-image = { $count ->
    [one] { $count } pixel lies outside the image and does not count
   *[other] { $count } pixels lie outside the image and do not count
}
finding-padding-excluded = { $count ->
    [one] { $count } padding pixel does not count
   *[other] { $count } padding pixels do not count
}
finding-not-finite-excluded = { $count ->
    [one] { $count } pixel is no finite number and does not count
   *[other] { $count } pixels are no finite numbers and do not count
}
finding-nothing-counted = No pixels count: there is no mean
finding-interpolated = Values between voxels, sampled every { $mm } mm
finding-off-plane = The outline lies { $mm } mm off the middle of the slice

# Objects without a picture, or beside one
object-report = Structured report
object-key-objects = Key object selection
object-document = Document
object-presentation-state = Presentation state
object-segmentation = Segmentation
object-surface = Surface
object-tractography = Tractography
object-structure-set = Structure set
object-plan = Treatment plan
object-dose = Dose
object-treatment-record = Treatment record
object-radiotherapy = Radiotherapy object
object-waveform = Waveform
object-registration = Registration
object-value-mapping = Real world value mapping
object-measurements = Measurements
object-raw-data = Raw data
object-hanging-protocol = Hanging protocol
object-color-palette = Colour palette
object-picture = Image
object-other = Object
content-item = Item
content-referenced-series = Referenced series
content-instances = Instances
content-displayed-area = Displayed area
content-grey-window = Window
content-layer = Layer
content-annotation = Annotation
content-text-object = Text
content-graphic = Graphic
content-segment = Segment
content-frames = Frames
content-surface = Surface
content-track-set = Track set
content-tracks = Tracks
content-roi = ROI
content-contours = Contours
content-points = Points
content-dose-reference = Dose reference
content-fraction-group = Fraction group
content-beam = Beam
content-control-points = Control points
content-dvh = Dose-volume histogram
content-waveform-group = Multiplex group
content-duration = Duration
content-channel = Channel
content-registration = Registration
content-row = Row
content-fiducial-set = Fiducial set
content-fiducial = Fiducial
content-value-map = Value map
content-size = Size
content-numbered = { $name } { $number }
content-value-points = { $count ->
    [one] { $count } point
   *[other] { $count } points
 }
content-value-table = { $columns ->
    [one] { $columns } column
   *[other] { $columns } columns
 } × { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
}
content-value-frames = frame { $frames }
content-value-parts = part { $parts }
content-value-link = as { $place }
content-value-bytes = { $count ->
    [one] { $count } byte
   *[other] { $count } bytes
 }
content-observed = observed { $at }
content-no-name = Without a name
content-hidden = hidden
content-loading = Reading the object
content-failed = The object cannot be read
content-left-out = { $count ->
    [one] { $count } item or more is left out
   *[other] { $count } items or more are left out
 }
content-items = { $count ->
    [one] { $count } item
   *[other] { $count } items
 }
content-go-to = Show this image
content-not-open = Not among the open files
content-expand = Open all
content-collapse = Close all
content-open-node = Open
content-close-node = Close
cmd-content = Content of the object
cmd-content-tip = Everything that the object in the active view says, as a list
finding-content-missing = The report has no content
finding-content-type-unknown = { $count ->
    [one] { $count } item is of no value type that the standard knows
   *[other] { $count } items are of no value type that the standard knows
 }
finding-content-value-missing = { $count ->
    [one] { $count } item lacks the value that its type asks for
   *[other] { $count } items lack the value that their type asks for
 }
finding-content-relationship-unknown = { $count ->
    [one] { $count } item does not say how it belongs to the one above
   *[other] { $count } items do not say how they belong to the one above
 }
finding-content-name-missing = { $count ->
    [one] { $count } item lacks a concept name
   *[other] { $count } items lack a concept name
 }
finding-content-link-lost = { $count ->
    [one] { $count } item refers to a place of the report that is not there
   *[other] { $count } items refer to places of the report that are not there
 }
finding-content-circle = { $count ->
    [one] { $count } item refers in a circle to what it belongs to, which the standard forbids; no marks are taken from this report
   *[other] { $count } items refer in a circle to what they belong to, which the standard forbids; no marks are taken from this report
 }
finding-content-too-long = { $count ->
    [one] { $count } item or more is left out, since there are too many
   *[other] { $count } items or more are left out, since there are too many
 }
finding-segment-undescribed = Frames belong to { $count ->
    [one] { $count } segment that is not described
   *[other] { $count } segments that are not described
 }
finding-other-grid = The planes of the segmentation are not those of the pictures: it keeps a grid of its own
finding-no-area = { $count ->
    [one] { $count } point or open line is no area and is left out
   *[other] { $count } points and open lines are no area and are left out
}
finding-other-frame-of-reference = { $count ->
    [one] { $count } region lies in another frame of reference and is left out
   *[other] { $count } regions lie in another frame of reference and are left out
}
finding-outlines-beside = { $count ->
    [one] { $count } outline lies on no slice of the pictures and is left out
   *[other] { $count } outlines lie on no slice of the pictures and are left out
}
finding-contour-points-differ = { $count ->
    [one] { $count } contour holds another number of points than it says
   *[other] { $count } contours hold another number of points than they say
 }
finding-contour-data-ragged = { $count ->
    [one] { $count } contour holds coordinates that are no whole points
   *[other] { $count } contours hold coordinates that are no whole points
 }
finding-contour-without-roi = { $count ->
    [one] { $count } region has outlines and is not described
   *[other] { $count } regions have outlines and are not described
 }
finding-waveform-channels-differ = A waveform has another number of channels than it says
finding-waveform-data-length = A waveform has not as many bytes as its channels and samples ask for
finding-document-missing = The object holds no document
finding-document-length = The document is not as long as the object says
content-has-observation-context = context of observation
content-has-acquisition-context = context of acquisition
content-has-modifier = more precisely
content-has-properties = has properties
content-inferred-from = inferred from
content-selected-from = selected from

## Tag browser

cmd-tags = Tags…
cmd-tags-tip = Every element of the object in the active view: search, compare, copy
tags-title = Tags
tags-series = series { $number }
tags-image = image { $number }
tags-frame = frame { $number }
tags-search = Name, tag or value
tags-found = { $count } found
tags-nothing = No element is like that
tags-same = No difference
tags-copy = Copy as JSON
tags-copy-element = Copy element as JSON
tags-copy-tip = The DICOM JSON Model; long values are named by their place
tags-compare = Compare
tags-with-nothing = With nothing
tags-with-view = With view { $number }
tags-with-frame = With frame
tags-all = Also what is the same
tags-tag = Tag
tags-vr = VR
tags-name = Name
tags-value = Value
tags-value-this = This object
tags-value-other = The other
tags-item = Item { $number }
tags-private = Private element
notice-copied = Copied
notice-work-failed = Something went wrong while a file was read or written

## Marks that leave and come in

cmd-export-marks = Export marks as DICOM…
cmd-export-marks-tip = Marks and key images of what is open, as a report, presentation states and key objects in a folder of your choice
cmd-show-marks = Show marks of this report
cmd-show-marks-tip = Marks and key images that the report in the active view holds, on their images
cmd-key-image = Key image
cmd-key-image-tip = Make the shown image a key image, or take that back
cmd-key-next = Next key image
cmd-key-previous = Previous key image
job-exporting-marks = Writing marks
job-reading-marks = Reading marks
job-reading-mask = Reading a mask
notice-mask-read = Segments taken from a file
notice-mask-unkept = A mask cannot be kept
notice-segments-full = No segment can be added: all 65,535 numbers are taken
notice-mask-refused = A mask does not belong to these pictures
badge-key-image = Key image
notice-no-key-images = No key image in this study
notice-no-marks = The report holds no marks
notice-marks-imported = Marks taken from the report
notice-marks-unreadable = The marks of the report cannot be read
notice-marks-circle = No marks were taken: items of the report refer to each other in a circle
notice-marks-exported = Marks written
notice-marks-left = Marks written, but some fit no form
notice-marks-not-written = The marks could not be written
## The list of studies

menu-reading = Reading
cmd-show-list = Study list
cmd-show-list-tip = Search the studies that are known here
cmd-unread-next = Next unread study
cmd-unread-next-tip = To the next study of the list that nobody has read
cmd-unread-back = Back to the study before
cmd-unread-back-tip = To the study that you came from
cmd-study-next = Next study
cmd-study-next-tip = To the study below in the list
cmd-study-previous = Previous study
cmd-study-previous-tip = To the study above in the list
cmd-patient-next = Next patient
cmd-patient-next-tip = To the next study of another patient
cmd-patient-previous = Previous patient
cmd-patient-previous-tip = Back to a study of another patient
cmd-mark-new = Mark as new
cmd-mark-in-progress = Mark as in progress
cmd-mark-flagged = Flag
cmd-mark-preliminary = Mark as preliminary
cmd-mark-final = Mark as final
cmd-finalise = Finalise and go on
cmd-finalise-tip = Mark the study as final and open the next unread one
list-search = Search studies
list-search-hint = Name, number, date, description
list-count = { $found } of { $count }
list-not-understood = “{ $part }” is not understood
list-close = Close the list
list-open = Open
list-all = All
list-unread = Unread
list-flagged = Flagged
list-today = Today
list-forget = Forget this list
list-keep = Keep this list…
list-keep-tip = Keep what is searched for under a name
list-keep-name = Name of the list
list-undated = No date
list-born = Born
list-accession = Accession
list-files = Files
list-files-referenced = where they lay; no copy is in the store
list-files-partly = some kept in the store, others where they lay
list-files-kept = kept in the store
list-files-kept-short = kept
list-nothing-known = No study is known here yet; open a folder to begin
list-nothing-found = No study fits
list-column-patient = Patient
list-column-id = ID
list-column-date = Date
list-column-modality = Modality
list-column-description = Description
list-column-images = Images
list-column-status = Status
list-column-priority = Priority
list-date-any = Any date
list-date-today = Today
list-date-yesterday = Yesterday
list-date-week = Last 7 days
list-date-month = Last month
list-date-year = Last year
list-status-new = New
list-status-in-progress = In progress
list-status-flagged = Flagged
list-status-preliminary = Preliminary
list-status-final = Final
list-priority-low = Low
list-priority-routine = Routine
list-priority-high = High
list-priority-stat = Stat
list-series-number = Series { $number }
notice-none-unread = No other study of the list is unread
## Preferences, keys and mouse

cmd-settings = Preferences…
cmd-settings-tip = Language, colours, sizes, keys and mouse
cmd-key-settings = Keys and mouse…
cmd-key-settings-tip = Give commands other keys, or take the keys of another viewer
cmd-text-larger = Larger text
cmd-text-larger-tip = Text and buttons one step larger
cmd-text-smaller = Smaller text
cmd-text-smaller-tip = Text and buttons one step smaller
settings-title = Preferences
settings-general = General
settings-keys = Keys
settings-mouse = Mouse
settings-screen = Displays
settings-theme = Colours
settings-theme-dark = Dark
settings-theme-light = Light
settings-scale = Size of text and buttons
settings-key-profile = Keys of
settings-key-search = Command or key
settings-key-reset-all = All as in the profile
settings-key-hint = Choose + to give a command a key; choose a key to take it away
settings-key-press = Press the key for “{ $command }”, Escape leaves it
settings-key-taken = { $key } belongs to “{ $command }”
settings-key-take = Take it away there
settings-key-remove = Take this key away
settings-key-add = Add a key
settings-key-add-for = Add a key for { $command }
settings-key-reset = As in the profile
settings-mouse-hint = What dragging does; a right click without movement opens the menu
settings-mouse-reset = All as at the start
mouse-left = Left button
mouse-middle = Middle button
mouse-right = Right button
mouse-use-active = Active tool
mouse-use-active-fine = Active tool, fine
mouse-use-active-coarse = Active tool, coarse
mouse-use-window-region = Window from a region
mouse-use-nothing = Nothing

## Pictures that leave the window

cmd-copy-picture = Copy picture
cmd-copy-picture-tip = The active view as it is shown, without identity, to the clipboard
cmd-save-picture = Save picture…
cmd-save-picture-tip = The views at any size, with or without identity
picture-title = Save or copy a picture
picture-what = What
picture-active = Active view
picture-all = All views
picture-size = Size
picture-as-shown = As on the screen
picture-pixels = Pixels
picture-width = Width
picture-height = Height
picture-identity = Identity
picture-with-identity = Names, numbers and dates are drawn
picture-burned-in = Text that is part of the image itself stays in the picture
picture-copy = Copy
picture-save = Save as PNG…
job-picture-out = Drawing a picture
notice-picture-copied = The picture is in the clipboard
notice-picture-saved = The picture is saved
notice-picture-failed = The picture could not be made { $detail }
# Layouts
cmd-layout-picker = Choose a layout…
cmd-layout-picker-tip = Grids up to 8 × 8, tiles, saved layouts and hanging protocols
cmd-layout-tiles = Tiles
cmd-layout-tiles-tip = Consecutive images of one series in all views; scrolling turns pages
cmd-view-split-right = Split view left and right
cmd-view-split-down = Split view above and below
cmd-view-join = Join with neighbouring view
cmd-view-detach = View in its own window
cmd-view-detach-tip = For a second monitor; closing the window brings the view back
layout-title = Layout
layout-grid = { $columns } × { $rows }
layout-tiles = One series as tiles
layout-free = Views of different sizes
layout-change = Active view
layout-protocols = Hanging protocols
layout-own = Saved layouts
layout-name = Name of this layout
layout-save = Save
layout-forget = Forget { $name }
viewport-line = Line between views
viewport-elsewhere = In its own window
viewport-bring-back = Click to bring it back
viewport-window-title = View { $number } – Negatoscope

# Hanging
cmd-hang = Hang the study
cmd-hang-tip = Arrange the study by the protocol that is meant for it
cmd-stage-next = Next stage
cmd-stage-previous = Previous stage
cmd-with-prior = Beside the prior
cmd-with-prior-tip = Current study left, the most relevant earlier one right
cmd-save-protocol = Save as protocol…
cmd-save-protocol-tip = Make a hanging protocol from the views as they are now
cmd-hang-on-opening = Hang studies when they open
hanging-now = { $protocol }: { $stage }
hanging-keys = , and . change the stage
overlay-prior-same-day = Prior, earlier that day
overlay-prior-days = { $count ->
    [one] Prior, { $count } day earlier
   *[other] Prior, { $count } days earlier
 }
overlay-prior-months = { $count ->
    [one] Prior, { $count } month earlier
   *[other] Prior, { $count } months earlier
 }
overlay-prior-years = { $count ->
    [one] Prior, { $count } year earlier
   *[other] Prior, { $count } years earlier
 }
list-hang-study = Show this study
notice-no-prior = No earlier study of this patient fits
notice-nothing-to-hang = There is nothing to make a protocol from
notice-protocol-not-kept = The protocol is kept until the window closes: there is no folder for settings
notice-protocol-saved = Protocol saved
notice-shelf-damaged = Cannot be read and was left alone: { $detail }
notice-shelf-failed = Layouts and protocols could not be saved: { $reason }

# Names of hanging protocols and their stages
protocol-annotator = Annotation
protocol-cr-dx = Radiographs
protocol-ct = CT
protocol-ct-chest = CT chest
protocol-ct-head = CT head
protocol-mg = Mammography
protocol-mr = MR
protocol-other = Any study
protocol-pt-ct = PET/CT
protocol-us-xa-rf = Ultrasound and angiography
stage-annotator = one large view
stage-all = all series
stage-current = current study
stage-four-views = four views
stage-l-cc = L CC, pixel by pixel
stage-l-mlo = L MLO, pixel by pixel
stage-many = many clips
stage-mpr = planes
stage-pt-ct = CT and PET
stage-r-cc = R CC, pixel by pixel
stage-r-mlo = R MLO, pixel by pixel
stage-sequences = by sequence
stage-three-planes = three planes
stage-two-windows = two windows
stage-with-prior = with prior
stage-with-prior-both = both views with prior

# The editor of a protocol
protocol-title = Protocol from these views
protocol-name = Name of the protocol
protocol-study = For studies
protocol-modality = Modality
protocol-region = Body part
protocol-view = View
protocol-side = Side
protocol-sequence = Sequence
protocol-plane = Plane
protocol-words = With words
protocol-without = Without words
protocol-window = Window
protocol-link = Moves together
protocol-link-scroll = Slices
protocol-link-zoom = Pan and zoom
protocol-link-window = Window
protocol-cell = View { $number }
protocol-empty = Stays empty
protocol-current = Of the current study
protocol-prior = Of the prior
protocol-prior-like = Of the prior, what is most like view { $number }
protocol-same-as = The same series as view { $number }
protocol-preview = Would hang { $studies ->
    [one] { $studies } study
   *[other] { $studies } studies
 }, { $series } series
protocol-save = Save
protocol-needs-name = It needs a name

# Two patients side by side
mixing-title = Different patients
mixing-text = This view would stand beside pictures of another patient
mixing-there = On the screen
mixing-new = To be shown
mixing-show = Show both
mixing-leave = Leave it
# Marks and their numbers
menu-measure = Measure
mark-tools = Measuring tools
mark-length = Length
mark-length-tip = Drag from end to end, or click both ends; Shift holds multiples of 45°
mark-angle = Angle
mark-angle-tip = Drag the first leg to the vertex, then click the other end
mark-cobb = Cobb angle
mark-cobb-tip = Drag one line, then the other
mark-bidirectional = Two diameters
mark-bidirectional-tip = Drag the long diameter, then click where the short one ends
mark-perpendicular = Distance from a line
mark-perpendicular-tip = Drag the line, then click the point
mark-point = Probe
mark-point-tip = Value at a point
mark-ellipse = Ellipse
mark-ellipse-tip = Area and values inside; Shift makes it round
mark-rectangle = Rectangle
mark-rectangle-tip = Area and values inside; Shift makes it square
mark-circle = Circle
mark-circle-tip = Drag from the centre to the rim
mark-polygon = Polygon
mark-polygon-tip = Click the corners; double click, Enter or the first corner closes it
mark-polyline = Path
mark-polyline-tip = Click the corners; double click or Enter ends it
mark-freehand = Freehand outline
mark-freehand-tip = Drag along the edge
mark-box = Box in space
mark-box-tip = Drag across; then drag a corner in another plane until it is as deep as it should be
notice-mark-box-space = A box in space needs pictures that lie in the patient
mark-spline = Smooth outline
mark-spline-tip = Click points of the edge; double click, Enter or the first point closes it
mark-arrow = Arrow
mark-arrow-tip = Drag from the tip to the tail
mark-text = Text
mark-text-tip = Click where it is to stand
mark-text-hint = Text, then Enter
mark-cardiothoracic-ratio = Cardiothoracic ratio
mark-cardiothoracic-ratio-tip = Drag the width of the heart, then the inner width of the thorax
mark-ratio = CTR { $ratio }
mark-label = Label
mark-labels = Choose
mark-group = Group
mark-role = RECIST role
mark-role-target = Target lesion
mark-role-node = Target lymph node
mark-role-non-target = Non-target lesion
mark-role-new = New lesion
mark-role-none = None
panel-course = Course of lesions
panel-course-sum = Sum, mm
panel-course-baseline = Since baseline
panel-course-nadir = Since smallest
panel-course-answer = Response
panel-course-is-baseline = Baseline
panel-course-doubles = doubles in { $days } d
panel-course-halves = halves in { $days } d
panel-course-gone = gone
panel-course-note = One label is one lesion. A probe with its label says that it is gone. Whether non-target lesions progress is for the reader to say
panel-course-no-date = { $count ->
    [one] { $count } mark on a study without a date does not count
   *[other] { $count } marks on studies without a date do not count
}
panel-course-no-name = { $count ->
    [one] { $count } mark without a label does not count
   *[other] { $count } marks without a label do not count
}
panel-course-not-measured = { $name } has no diameter in mm on { $date }
panel-course-too-many = Targets: { $count }. RECIST 1.1 takes five, so no response is given
panel-course-not-at-baseline = { $name } is not marked at baseline and does not count
mark-lock = Lock
mark-hide = Hide
mark-delete = Delete
mark-ai = AI, { $model } { $version }, not for diagnostic use
mark-ratio-source = From the lung fields alone: the thorax is their widest row, the heart lies between their inner borders below the hilum. Fat, effusions and a mask that runs over the heart go into it
mark-ai-source = By { $model } { $version }; not for diagnostic use
mark-by-pixel-spacing = PS
mark-by-calibrated = calibrated
mark-by-geometry = geometry
mark-by-fiducial = fiducial
mark-by-unknown = PS?
mark-by-detector = at detector
mark-by-magnification = magn. { $factor }
mark-by-nominal = nominal
mark-by-ultrasound = US region
mark-by-header = header
mark-by-user = cal. { $by } { $date }
mark-by-none = uncalibrated
mark-file-says = { $name }, by the file
mark-suv-region = { $kind } { $mean }, max { $max }
mark-suv-missing = SUV unavailable: { $what } missing
mark-suv-implausible = SUV unavailable: { $what } impossible
mark-suv-contradiction = SUV unavailable: { $what } contradictory
mark-suv-not-corrected = SUV unavailable: not corrected ({ $what })
mark-suv-unsupported = SUV unavailable: { $what } not supported
mark-suv-times = SUV unavailable: times impossible ({ $what })
mark-suv-time-zone = SUV unavailable: time zones differ ({ $what })
mark-suv-differs = SUV unavailable: slices differ
suv-attribute-total-dose = injected dose
suv-attribute-half-life = half life
suv-attribute-weight = weight
suv-attribute-units = units
suv-attribute-correction = corrections
suv-attribute-decay = decay correction
suv-attribute-injection = time of injection
suv-attribute-scan = time of scan
suv-attribute-tracer = radiopharmaceutical
mark-padding = { $count } padding
mark-outside = partly outside the image
cmd-cardiothoracic-auto = Cardiothoracic ratio from lung fields
cmd-cardiothoracic-auto-tip = Run the lung model on this frontal chest film and measure heart and thorax; AI, not for diagnostic use
cmd-mark-name = Name the mark…
cmd-mark-name-tip = What it shows: a word of the list with its code, or any text
cmd-calibrate = Calibrate by a known length…
cmd-calibrate-tip = Say how long a drawn line is in truth; all frames of the series with the same geometry get their millimetres from it
cmd-calibrate-remove = Remove calibration
cmd-calibrate-remove-tip = Lengths are again as the file gives them
notice-calibration-draw = Draw a line of known length
notice-calibration-placed = This picture lies in the patient by its own geometry; no line replaces that
calibration-title = Calibrate by a known length
calibration-drawn-px = By the file the line is { $length } px long
calibration-drawn-mm = By the file the line measures { $length } { $source }
calibration-field-length = True length
calibration-field-by = Calibrated by
calibration-result = A pixel becomes { $width } mm wide
calibration-result-magnified = A pixel becomes { $width } mm wide; magnification { $factor }
calibration-apply = Calibrate
calibration-confirm = Replace it all the same
calibration-unconfirmed = The file gives a scale that is held for true
calibration-several = The picture has regions of different scale; this would hold for all of it
calibration-too-short = The line is too short: at least 10 pixels
calibration-length = A pixel cannot be of this size
calibration-time = The clock of this computer is wrong
cmd-mark-delete = Delete mark
cmd-mark-delete-tip = Take the selected mark away; Undo brings it back
cmd-mark-lock = Lock or unlock mark
cmd-mark-lock-tip = A locked mark is neither moved nor deleted
cmd-mark-hide = Hide or show mark
cmd-mark-hide-tip = A hidden mark stays in the list
cmd-marks-toggle = Show or hide all marks
cmd-marks-toggle-tip = Nothing is deleted
cmd-finding-next = Next finding
cmd-finding-next-tip = Go to the next mark, with its slice and window
cmd-finding-previous = Previous finding
cmd-finding-previous-tip = Go to the mark before, with its slice and window
cmd-marks-csv = Marks as CSV…
cmd-marks-csv-tip = Write the marks of this patient and their numbers as a table
cmd-marks-json = Marks as JSON…
cmd-marks-json-tip = Write the marks of this patient and their numbers as JSON
panel-marks = Marks
panel-no-marks = Choose a measuring tool and draw on a picture
notice-mark-locked = The mark is locked
notice-mark-not-open = The images of this mark are not open
notice-marks-saved = Written
notice-marks-unsaved = Not written: { $detail }
quantity-length = Length
quantity-angle = Angle
quantity-cobb-angle = Cobb angle
quantity-long-axis = Long diameter
quantity-short-axis = Short diameter
quantity-angle-between = Angle between
quantity-distance = Distance
quantity-area = Area
quantity-perimeter = Perimeter
quantity-width = Width
quantity-height = Height
quantity-depth = Depth
quantity-volume = Volume
quantity-major-axis = Major axis
quantity-minor-axis = Minor axis
quantity-radius = Radius
quantity-value = Value
quantity-stored = Stored value
quantity-interpolated = Between voxels
quantity-red = Red
quantity-green = Green
quantity-blue = Blue
quantity-ratio = Ratio
quantity-heart-width = Heart
quantity-thorax-width = Thorax, inner
quantity-mean = Mean
quantity-sd-sample = SD (n − 1)
quantity-sd-population = SD (n)
quantity-min = Minimum
quantity-max = Maximum
quantity-median = Median
quantity-percentile = Percentile { $share }
quantity-n = Pixels
quantity-padding = Padding left out
quantity-outside = Outside the image
quantity-not-finite = No finite number
quantity-scale = Scale
label-nodule = Nodule
label-mass = Mass
label-lesion = Lesion
label-cyst = Cyst
label-lymph-node = Lymph node
label-metastasis = Metastasis
label-ground-glass = Ground glass opacity
label-opacity = Opacity
label-consolidation = Consolidation
label-atelectasis = Atelectasis
label-pleural-effusion = Pleural effusion
label-pneumothorax = Pneumothorax
label-pneumonia = Pneumonia
label-cardiomegaly = Cardiomegaly
label-pulmonary-embolism = Pulmonary embolism
label-aneurysm = Aneurysm
label-stenosis = Stenosis
label-thrombus = Thrombus
label-hemorrhage = Hemorrhage
label-edema = Edema
label-abscess = Abscess
label-fibrosis = Fibrosis
label-fracture = Fracture
label-calcification = Calcification
finding-not-parallel = The widths of heart and thorax are { $degrees }° off each other
measure-not-finite = A coordinate is no number
measure-out-of-range = A coordinate is too large
measure-point-count = Too few points
measure-too-many-points = Too many points
measure-too-complex = The outline is too tangled
measure-zero-length = No length
measure-negative-radius = The radius is negative
measure-degenerate = No area
measure-plane-unknown = The plane is not known
measure-not-planar = The points lie in no plane
measure-different-frames = The points lie on different images
measure-different-frames-of-reference = The points do not share a frame of reference
measure-mixed-sources = The images are calibrated differently
measure-no-patient-space = The image lies nowhere in the patient
measure-patient-uncalibrated = The image has no pixel spacing
measure-no-image = The images of this mark are not open
measure-outside-region = Outside the region that the scale is of
measure-not-on-frame = Not on this image
measure-no-volume = Not on one of the images
measure-palette-indices = Colours of a palette have no mean
measure-color-volume = Colour volumes are not measured
measure-slice-missing = An image is not loaded
measure-region-too-large = Too large
measure-too-many-values = Too many values
measure-bad-option = Out of range
measure-radius-uncalibrated = A radius in millimetres without a scale

## Report

panel-tab-report = Report
report-title = Radiology report
notice-study-of-several = Two people have a study with this identifier: neither report nor reading status is kept for it
report-no-study = Open a study to write its report
report-begin = Begin with
report-copy = Copy
report-markdown = Save as Markdown…
report-pdf = Save as PDF…
report-typing = Not kept yet
report-taken = Kept by itself; undo takes it back
report-insert = Findings
report-insert-tip = Put this finding into the section that was written in last; its number follows the mark
report-mark-gone = (mark removed)
report-mark-show = Show this mark
job-report-out = Writing the report
notice-report-copied = The report is in the clipboard
notice-report-saved = The report is saved
notice-report-letters = The report is saved; letters that no font has, shown as a question mark { $detail }
notice-report-refused = The report cannot be kept as it is: it is too long, or its study has no proper number. It stays in the window
notice-report-failed = The report could not be written { $detail }
## Filters

cmd-filters = Filters
cmd-filters-tip = Smooth, sharpen, edges, contrast, morphology: in order, and only on the screen
cmd-show-original = Show the original
cmd-show-original-tip = The picture without its filters, until pressed again
filter-title = Filters
filter-none = No filter
filter-add = Add a filter
filter-clear = Remove all
filter-remove = Remove filter
filter-earlier = Earlier
filter-later = Later
filter-note = Filters change what is seen; values and measurements are those of the stored pixels
filter-gaussian = Gaussian
filter-gaussian-tip = Smooths evenly
filter-mean = Mean
filter-mean-tip = The mean of a square
filter-median = Median
filter-median-tip = Removes single bright and dark pixels
filter-bilateral = Bilateral
filter-bilateral-tip = Smooths and keeps edges
filter-nlm = Non-local means
filter-nlm-tip = Averages what looks alike; takes a moment
filter-unsharp = Unsharp mask
filter-unsharp-tip = Sharpens: adds what a Gaussian takes away
filter-laplacian = Laplacian
filter-laplacian-tip = Second derivative
filter-sobel = Sobel
filter-sobel-tip = Strength of edges
filter-clahe = CLAHE
filter-clahe-tip = Evens out contrast from place to place
filter-gamma = Gamma
filter-gamma-tip = Power law from the lowest to the highest value
filter-otsu = Otsu threshold
filter-otsu-tip = Two values, divided where they differ most
filter-erode = Erode
filter-erode-tip = The lowest value of a disk
filter-dilate = Dilate
filter-dilate-tip = The highest value of a disk
filter-open = Open
filter-open-tip = Removes small bright spots
filter-close = Close
filter-close-tip = Removes small dark spots
filter-top-hat = Top hat
filter-top-hat-tip = Small bright spots alone
filter-number-sigma = Sigma, pixels
filter-number-radius = Radius, pixels
filter-number-range = Range, values
filter-number-strength = Strength, values
filter-number-patch = Patch, pixels
filter-number-distance = Distance, pixels
filter-number-amount = Amount
filter-number-tiles = Tiles a side
filter-number-clip = Contrast limit
filter-number-gamma = Gamma
why-filters = Filters act on modality values before the window; probe and measurements read stored pixels, and Shift+O shows the original
badge-processed = PROCESSED: { $filters } (in pixels of the frame)
badge-processed-cut = PROCESSED: { $filters } (in pixels of the cut)
filter-window = Window by the result
filter-window-tip = Slopes and differences have values of another kind than the picture: the window reaches over the middle of them
filter-window-from = from
filter-window-to = to
filter-no-colour = This picture is coloured. Filters act on modality values, which colours do not have, so it is shown as it is
badge-original = Original, filters off
badge-filter-awaited = Filters are being computed
badge-filter-failed = Not filtered: { $reason }
badge-not-filtered-color = Not filtered: filters are for grey pictures
badge-not-filtered-reduced = Not filtered: larger than the device
badge-not-filtered-incomplete = Not filtered yet: slices are missing

## The screen

cmd-screen-setting = Display calibration
cmd-screen-setting-tip = Measured luminances, and the standard grey-scale function (PS3.14)
cmd-test-picture = Display test pattern
cmd-test-picture-tip = Grey steps, ramps, lines, geometry, pixel by pixel
screen-title = Display
screen-correct = Correct pictures to the standard grey-scale function
screen-darkest = Darkest
screen-brightest = Brightest
screen-ambient = Stray light
screen-gamma = Gamma
screen-measured = Luminances measured level by level
screen-choose-curve = Choose a file of luminances…
screen-choose-curve-tip = CSV with lines level,luminance from 0 to 255, in cd/m²
screen-monitor = Monitor
screen-monitor-unknown = not known
screen-monitor-here = { $monitor } (this window)
notice-curve-read = The monitor is corrected by the measured luminances
notice-curve-unread = This is no table of luminances: { $reason }
screen-forget = Forget
screen-deviation = Largest deviation of contrast { $before } %, corrected { $after } %
screen-impossible = No screen has these luminances
screen-note = As good as these numbers: measure the luminance of this screen with a meter
screen-note-tip = Click for a test pattern, right click for the calibration (PS3.14)
screen-not-calibrated = Display not calibrated to the standard grey-scale function
screen-calibrated = Display corrected, { $darkest } to { $brightest } cd/m²
screen-patterns = Test patterns
pattern-keys = Arrows: next, Esc: close
pattern-steps = Grey steps
pattern-steps-tip = In every step a lighter and a darker square are seen
pattern-ramps = Ramps
pattern-ramps-tip = No bands, and both ends are told apart
pattern-lines = Line pairs
pattern-lines-tip = All lines are apart, in the corners too
pattern-geometry = Geometry
pattern-geometry-tip = Circles are round, the border is whole
pattern-bright = Bright field
pattern-bright-tip = Even from corner to corner
pattern-dark = Dark field
pattern-dark-tip = Even, without stains or glow
cmd-add-to-library = Add to the library
cmd-add-to-library-tip = Remember where the open studies lie; the files stay where they are
cmd-keep-copies = Keep copies in the store
cmd-keep-copies-tip = Keep the files of the open study in the store, encrypted; the files themselves stay as they are
job-keeping = Keeping copies
notice-copies-kept = { $count ->
    [0] The store keeps these files already
    [one] { $count } file kept in the store
   *[other] { $count } files kept in the store
}
notice-copies-refused = { $count ->
    [one] { $count } file cannot be kept: it changed, or a part of it is in another file
   *[other] { $count } files cannot be kept: they changed, or parts of them are in other files
}
notice-copies-failed = Copies cannot be kept: { $detail }
notice-library-failed = The library cannot be read or written: { $detail }
notice-files-gone = The files of this study are no longer where they were
notice-studies-imported = { $count ->
    [one] { $count } file added to the library
   *[other] { $count } files added to the library
}

# The page of an evaluation
cmd-open-evaluation = Open evaluation…
cmd-open-evaluation-tip = A report of “evaluate” (JSON), or a table of cases (CSV)
cmd-show-evaluation = Evaluation
cmd-show-evaluation-tip = Figures, curves and cases of what was judged
evaluation-title = Evaluation
evaluation-title-masks = Evaluation of masks
evaluation-title-scores = Evaluation of scores
evaluation-cases = { $count ->
    [one] { $count } case
   *[other] { $count } cases
}
evaluation-failed = { $count } not compared
evaluation-reading = Reading…
evaluation-refused = This cannot be shown: { $reason }
evaluation-open = Open…
evaluation-open-case = Open the picture
evaluation-images = Pictures…
evaluation-images-tip = The folder of the pictures; they have the names of the cases
evaluation-close = Close the evaluation
evaluation-notice = Not for diagnostic use
evaluation-empty = Open a report of “negatoscope evaluate” or a table of cases (CSV)
evaluation-figures = Figures
evaluation-intervals = { $draws ->
    [one] { $percent } % intervals from { $draws } draw { $by }
   *[other] { $percent } % intervals from { $draws } draws { $by }
}
evaluation-by-patient = { $count ->
    [one] of { $count } patient
   *[other] of { $count } patients
}
evaluation-by-case = { $count ->
    [one] of { $count } case
   *[other] of { $count } cases
}
evaluation-from-to = { $low } to { $high }
evaluation-spread = { $count ->
    [one] Median { $median }; a twentieth is worse than { $worst }; { $count } case
   *[other] Median { $median }; a twentieth is worse than { $worst }; { $count } cases
}
evaluation-no-interval = at this threshold
evaluation-decisions = Decisions
evaluation-threshold = Threshold
evaluation-threshold-back = Back to { $threshold }
evaluation-called-positive = called positive
evaluation-called-negative = called negative
evaluation-is-positive = is positive
evaluation-is-negative = is negative
evaluation-right = right
evaluation-wrong = wrong
evaluation-positive = positive
evaluation-negative = negative
evaluation-column-case = Case
evaluation-column-class = True class
evaluation-column-score = Score
evaluation-column-decision = Decision
evaluation-roc = ROC
evaluation-pr = Precision and recall
evaluation-reliability = Reliability
evaluation-false-positive-rate = False positive rate
evaluation-mean-probability = Mean probability
evaluation-share-positive = Share of positives
evaluation-axes = { $y } (across: { $x })
evaluation-bin = { $count ->
    [one] { $low } to { $high }: { $count } case, mean probability { $probability }, share of positives { $share }
   *[other] { $low } to { $high }: { $count } cases, mean probability { $probability }, share of positives { $share }
}
evaluation-no-curve = There is no curve: one of the two classes has no case
evaluation-cases-in-order = Cases in order
notice-evaluation-no-picture = The picture of this case is not where the report says; choose its folder under “Pictures…”
figure-dice = Dice
figure-dice-tip = Twice the overlap by the sum of both areas; 1 is the same mask
figure-iou = IoU
figure-iou-tip = Overlap by union; 1 is the same mask
figure-hd95 = HD95
figure-hd95-tip = 95 of 100 points of either outline are nearer to the other one than this
figure-assd = ASSD
figure-assd-tip = Mean distance of the two outlines
figure-auroc = AUROC
figure-auroc-tip = How often a positive case scores above a negative one; 0.5 is chance
figure-average-precision = Average precision
figure-average-precision-tip = Area under precision over recall; the share of positives is chance
figure-precision = Precision
figure-precision-tip = Share of what was called positive that is
figure-recall = Recall
figure-recall-tip = Share of what is positive that was found: sensitivity
figure-specificity = Specificity
figure-specificity-tip = Share of what is negative that was called so
figure-f1 = F1
figure-accuracy = Accuracy
figure-brier = Brier score
figure-brier-tip = Mean squared distance of probability and truth; 0 is perfect
figure-ece = Calibration error (ECE)
figure-ece-tip = How far probabilities are from the shares that they promise
figure-mse = Mean squared error

# Explanations of what a network answers
cmd-explain-entropy = Where the lung mask is unsure
cmd-explain-entropy-tip = Entropy of the mask's probability, as colours over the picture
cmd-explain-disagreement = Where picture and mirror image disagree
cmd-explain-disagreement-tip = The network sees the picture and its mirror image; colours show where its answers differ
cmd-toggle-explanation = Show explanation
job-explaining = Explaining
explain-title = Explanation
explain-grad-cam = Grad-CAM
explain-integrated-gradients = Integrated gradients
explain-occlusion = Occlusion
explain-entropy = Entropy of the mask
explain-disagreement = Disagreement with the mirror image
explain-of-class = { $method }: { $class }
explain-probability = probability { $percent } %
explain-missed = adds up to the answer within { $percent } %
explain-none = none
explain-most = most
explain-against = against −{ $scale }
explain-for = for +{ $scale }
explain-sure = sure
explain-unsure = in doubt
explain-remove = Remove
finding-unusual-input = The picture does not look like those the model was trained with (distance { $times }, where 1 is the usual limit)
finding-field-unusual = A side of the picture is { $mm } mm, which is unusual for what the model knows
finding-spacing-unusual = The pixel spacing is { $mm } mm, which the model does not know
finding-pixel-spacing-unknown = The header gives no pixel spacing; the model expects a certain one
finding-slices-unusual = The slices are { $mm } mm thick, which the model does not know
finding-plane-unknown = The header does not say how the slices lie; the model knows axial ones
finding-other-body-part = The header names another body part than those the model is for
finding-not-axial = The slices are not axial; the model knows no other plane
finding-other-modality = The model is for another modality
cmd-explain-grad-cam = Class: Grad-CAM
cmd-explain-grad-cam-tip = Where the last features of the classifier speak for its class, coarse and quick
cmd-explain-integrated = Class: integrated gradients
cmd-explain-integrated-tip = What each pixel adds on the way from a flat picture; the parts add up to the answer
cmd-explain-occlusion = Class: occlusion
cmd-explain-occlusion-tip = How much the answer loses when a part of the picture is covered; takes longest
cmd-anonymize = Copies without identity…
cmd-anonymize-tip = Write the files of this study anew so that nobody can be recognised (DICOM PS3.15)
deid-title = Copies without identity
deid-text = { $count ->
    [one] One file of this study is written anew; the file itself stays as it is
   *[other] { $count } files of this study are written anew; the files themselves stay as they are
}
deid-stays = Stays, although the profile takes it out
deid-cleaned = Is cleaned instead of taken out
deid-retain-patient = Age, size and weight
deid-retain-modified-dates = Dates, all moved by the same days
deid-retain-full-dates = Dates as they are
deid-retain-device = Devices
deid-retain-institution = Institution
deid-retain-uids = UIDs
deid-retain-safe-private = Private values known to be safe
deid-clean-descriptors = Descriptions, by known words
deid-clean-structured-content = Contents of reports
deid-clean-graphics = Marks and overlays
deid-clean-pixels = Text in the pixels
deid-clean-faces = Faces in volumes of the head
deid-burned = Text in the pixels
deid-burned-report = Look for it and say so
deid-burned-mask = Cover what is found
deid-burned-refuse = Do not write such files
deid-looking = Looking at what would change…
deid-preview = { $count ->
    [one] One value of the first file would change
   *[other] { $count } values of the first file would change, { $gone } of them go
}
deid-pixel-text = { $count ->
    [0] Its pixels may hold text; look at them before they leave
    [one] Its pixels may hold text; one line was seen
   *[other] Its pixels may hold text; { $count } lines were seen
}
deid-refused = { $count ->
    [one] One object would not be written: { $reason }
   *[other] { $count } objects would not be written: { $reason }
}
deid-action-removed = removed
deid-action-emptied = emptied
deid-action-replaced = replaced
deid-action-uid = new UID
deid-action-cleaned = cleaned
deid-folder = Folder
deid-folder-hint = Where the copies go
deid-choose = Choose…
deid-keep-key = Same pseudonyms next time (their key is kept beside the settings)
deid-write = Write copies
job-deid = Writing copies without identity
notice-deid-done = { $count ->
    [one] One copy without identity was written
   *[other] { $count } copies without identity were written
}
notice-deid-some = { $count ->
    [one] One copy without identity was written; others could not be
   *[other] { $count } copies without identity were written; others could not be
}
notice-deid-cancelled = { $count ->
    [one] Stopped after one copy without identity
   *[other] Stopped after { $count } copies without identity
}
notice-deid-review = { $count ->
    [one] One copy may hold text in its pixels: look at it before it leaves
   *[other] { $count } copies may hold text in their pixels: look at them before they leave
}
notice-deid-failed = The copies could not be written
cmd-lock = Lock the window
cmd-lock-tip = Hide everything until the passphrase is given; what is open stays
lock-title = Locked
lock-text = Opened by { $name }
lock-kept = What is open and unsaved stays as it is
lock-wrong = This passphrase does not unlock it; try again
lock-wait = Too many wrong passphrases; wait a little
lock-unlock = Unlock
settings-lock = Lock after
settings-lock-minutes = minutes without a hand on it (0: never)
cmd-forget-key = Forget the key on this computer
cmd-forget-key-tip = From now on the store opens with its passphrase alone
notice-key-remembered = This computer remembers the key of the store
notice-key-forgotten = This computer no longer remembers the key of the store
notice-key-not-remembered = The key of the store is not remembered
notice-no-keyring = The keyring of this computer did not give the key: the passphrase opens the store
cmd-break-glass = Break glass…
cmd-break-glass-tip = Do what a reader may although the account may not, for a reason that is written down
glass-title = Break glass
glass-text = For this session the account may do what a reader may; the log keeps who did it and why
glass-reason = Reason
glass-break = Break glass
status-role-viewer = may look
status-role-annotator = may mark
status-role-reader = may read and report
status-role-admin = may do everything
status-role-broken = glass is broken
notice-glass-broken = Glass is broken: this session may do what a reader may, and the log says so
notice-glass-whole = Nothing more is allowed: the reason could not be written down
notice-not-allowed = The account may not do this
save-not-allowed = Not saved: the account may not do this
save-not-allowed-advice = Nothing was kept of it
# Training and classes
cmd-classify-tb = Tuberculosis or normal?
cmd-classify-tb-tip = Run the classifier on this frontal chest film: calibrated probability, or no answer; AI, not for diagnostic use
cmd-training = Train a model
cmd-training-tip = Open or close the training panel: choose a task, watch its curves, pause and stop
cmd-training-start = Start training
cmd-training-start-tip = Start the chosen training run, or go on where it was stopped
cmd-training-pause = Pause training
cmd-training-pause-tip = Pause the training run after its current step, or let it go on
cmd-training-stop = Stop training
cmd-training-stop-tip = Stop the training run; its last whole epoch stays on the disk, and it can go on from there
job-training = Training a model
job-classifying = Classifying the picture
training-title = Training
training-task = Model
training-needs-nothing = Learns from generated people; nothing else is needed
training-choose-data = Choose the folder of pictures…
training-no-data = no folder chosen
training-go-on = Go on
training-preparing = Reading or making the pictures…
training-at = Epoch { $epoch } of { $epochs }, step { $step } of { $steps }
training-paused-at = Paused in epoch { $epoch } of { $epochs }, at step { $step } of { $steps }
training-stopped = Stopped; the last whole epoch is kept
training-done = Finished; the best epoch is the model
training-loss = Loss over the epochs
training-score = { $score } of the validation part
training-steps = steps
training-train = training
training-validation = validation
class-no-answer = No answer: too near one half
class-tuberculosis = Tuberculosis
class-normal = Normal
class-abnormal = Abnormal
class-probability = Probability of { $class }: { $percent } %
class-calibrated = Calibrated where { $percent } % of the patients have it; where fewer have, it is too high
class-auroc = On patients it never saw: AUROC { $value } (95 %: { $low } to { $high })
notice-no-folder = There is no folder for the training run; start with --store
# The record's parts
cmd-record-timeline = Timeline
cmd-record-timeline-tip = Everything of the record on one line of time, lanes by kind; the wheel zooms, dragging filters the chart
cmd-record-considerations = Considerations
cmd-record-considerations-tip = Alerts and diseases to think of, every factor with its weight and source; research only
cmd-record-genes = Genes
cmd-record-genes-tip = Diplotypes, phenotypes and hints for drugs
cmd-record-graph = Knowledge graph
cmd-record-graph-tip = How conditions, drugs, genes, findings and pictures hang together, and why each is shown
panel-view-chart = Chart
panel-view-timeline = Timeline
panel-timeline-area = Timeline, events: { $events }
panel-timeline-none = Nothing in the record has a date
panel-timeline-hint = Wheel: zoom. Drag: choose days for the chart. Click: hang a study, plot values
panel-timeline-fit = Whole time
panel-timeline-span = Only { $from } to { $to }
panel-timeline-all = Show all
panel-timeline-events = Events
panel-timeline-undated = { $count ->
    [one] { $count } entry without a date
   *[other] { $count } entries without a date
}
panel-timeline-plot = { $name }, values: { $count }
panel-timeline-other-units = { $count ->
    [one] { $count } value in another unit is not drawn
   *[other] { $count } values in other units are not drawn
}
panel-lane-imaging = Imaging
panel-lane-reports = Reports
panel-lane-marks = Marks
panel-lane-networks = AI
panel-lane-conditions = Conditions
panel-lane-medications = Drugs
panel-lane-labs = Laboratory
panel-lane-vitals = Vital signs
panel-lane-others = Observations
panel-lane-procedures = Procedures
panel-lane-encounters = Encounters
panel-lane-claims = Claims
notice-study-not-open = This study is not open
panel-view-considerations = Consider
panel-view-genes = Genes
panel-view-graph = Graph
panel-reports = Reports
panel-immunizations = Immunisations
panel-family = Family history
panel-care-plans = Care plans
panel-claims = Claims and payments
panel-claims-sum = { $asked } { $currency } asked for, { $paid } { $currency } paid
panel-research = Research and education. Not for diagnostic use
panel-alerts = Alerts
panel-no-alerts = Nothing in the record calls for an alert; the rules are a selection
panel-suggestions = Diseases to think of
panel-no-suggestions = No fact of the record speaks for a disease of the table
panel-suggestion-known = in the record
panel-suggestion-prior = Before any factor { $percent } %
panel-suggestion-unknown = Not known: { $names }
panel-suggestion-note = Likelihood ratios are multiplied as if they were independent; the order counts, not the figure
panel-factor-denied = denied
panel-source-unchecked = { $source } · not checked
panel-source = Source: { $source }
panel-genes = Genes
panel-gene-hints = Hints for drugs
panel-variants = Variants
panel-guidance = Recommendations of the laboratory
panel-no-genes = No genes in the record. Import a call set (VCF) or a PharmCAT report for this patient
panel-taken = taken now
panel-alert-contrast-allergy = Contrast allergy
panel-alert-allergy = Allergy
panel-alert-renal = Renal function
panel-alert-pregnancy = Pregnancy
panel-alert-implant = Implant
panel-alert-anticoagulant = Anticoagulant
panel-alert-metformin = Metformin
panel-alert-drug-drug = Drug and drug
panel-alert-drug-allergy = Drug and allergy
panel-alert-drug-renal = Drug and kidney
panel-alert-drug-pregnancy = Drug and pregnancy
panel-alert-drug-gene = Drug and gene
panel-severity-contraindicated = Contraindicated
panel-severity-major = Major
panel-severity-moderate = Moderate
panel-severity-note = Note
panel-graph-area = Knowledge graph, nodes: { $nodes }
panel-graph-search = Search the graph
panel-graph-none = Nothing in the graph has these words
panel-graph-why = Why this is shown
panel-graph-neighbours = Connected with
panel-graph-choose = Choose a node in the picture or search for one
panel-graph-left-out = { $count ->
    [one] { $count } node is not drawn
   *[other] { $count } nodes are not drawn
 }
panel-graph-patient = Patient
panel-graph-condition = Condition
panel-graph-drug = Drug
panel-graph-gene = Gene
panel-graph-finding = Finding
panel-graph-anatomy = Anatomy
panel-graph-image = Imaging study
panel-graph-report = Report
panel-graph-allergy = Allergy
panel-graph-consideration = Consideration
panel-edge-has = has
panel-edge-takes = takes
panel-edge-allergic-to = is allergic to
panel-edge-recorded = recorded
panel-edge-says = says
panel-edge-at = at
panel-edge-same-as = same concept
panel-edge-concerns = concerns
panel-edge-speaks-for = speaks for
panel-edge-speaks-against = speaks against
panel-edge-shows = shows
panel-assertion-absent = denied
panel-assertion-possible = possible
panel-assertion-history = in the past
panel-assertion-family = in the family
panel-graph-see = Show in the picture
panel-graph-by-mark = By a mark whose label names the finding
panel-graph-by-reference = By a structured report that names the finding and refers to this image
panel-graph-by-key-image = A key image of the day of the report; nothing else links it to this finding
panel-graph-by-mask = A picture with a mask of the lungs, in which the finding lies; not the finding itself
panel-graph-no-place = Nothing links this finding to a place in a picture: no mark, key image, reference or mask

# Labels for learning

panel-tab-labels = Labels
labels-image = This image
labels-study = This study
labels-classes = Classes
labels-classes-how = For the selected mark, else for those that are drawn next
labels-keypoints = Keypoints
labels-keypoint-next = { $group }: click on { $point }
labels-keypoints-done = All points are placed
labels-nothing-open = No image is open
labels-no-grade = no grade
labels-grade-how = { $up } and { $down } change the grade
cmd-label-schema = Label schema…
cmd-label-schema-tip = Choose a TOML file that says what a project labels: classes, keypoints, tags, scores
cmd-grade-up = Grade up
cmd-grade-up-tip = One grade more of the chosen score
cmd-grade-down = Grade down
cmd-grade-down-tip = One grade less of the chosen score; below the lowest it has none
cmd-score-next = Next score
cmd-score-previous = Previous score
cmd-keypoints = Place keypoints
cmd-keypoints-tip = Place the points of a set one after the other; again for the next set
notice-no-such-key = The label schema has nothing on this key: { $detail }
notice-no-keypoints = The label schema has no keypoints
notice-no-scores = The label schema has no scores
notice-schema-failed = Not a label schema: { $detail }
cmd-label-1 = Class on key 1
cmd-tag-1 = Tag on key 1
cmd-label-2 = Class on key 2
cmd-tag-2 = Tag on key 2
cmd-label-3 = Class on key 3
cmd-tag-3 = Tag on key 3
cmd-label-4 = Class on key 4
cmd-tag-4 = Tag on key 4
cmd-label-5 = Class on key 5
cmd-tag-5 = Tag on key 5
cmd-label-6 = Class on key 6
cmd-tag-6 = Tag on key 6
cmd-label-7 = Class on key 7
cmd-tag-7 = Tag on key 7
cmd-label-8 = Class on key 8
cmd-tag-8 = Tag on key 8
cmd-label-9 = Class on key 9
cmd-tag-9 = Tag on key 9
job-schema = Reading a label schema

# The case queue

cases = Cases
cases-none = Nothing is queued. Studies that the list shows become cases; N then goes through them
cases-add = { $count ->
    [one] Queue the study that is listed
   *[other] Queue the { $count } studies that are listed
}
cases-progress = { $done } of { $all } done, { $percent } %, { $flagged } flagged
cases-mean = { $time } a case so far
cases-time = Time of work on this case; pauses over a minute do not count
cases-done = Done, next
cases-flag = Flag
cases-again = Back to work
cases-next = Next case
cases-other = What is shown is no case
cases-revisit = Revisit flagged
cases-list = All cases
cases-clear = Empty the queue
cases-blind = Readers do not see each other
case-waiting = waiting
case-in-progress = in progress
case-flagged = flagged
case-done = done
notice-cases-added = { $count ->
    [one] One case queued
   *[other] { $count } cases queued
}
notice-no-case = No case is left

# Two readers

adjudication = Adjudication
adjudication-left = Left picture
adjudication-right = Right picture
adjudication-begin = Side by side
adjudication-end = End
adjudication-taken = taken
adjudication-take = Take { $reader }
adjudication-merge = Merge both
adjudication-merge-tip = Marks of both, once where boxes of one name share more than half; answers that differ are left to be said
reader-owner = owner
answer-yes = yes
notice-answers-differ = { $count ->
    [one] One answer differs: say it yourself
   *[other] { $count } answers differ: say them yourself
}
notice-taken = { $count ->
    [one] One change taken over
   *[other] { $count } changes taken over
}
notice-nothing-taken = There is nothing to take over
## Segmentations

menu-segment = Segment
cmd-tool-brush = Brush
cmd-tool-brush-tip = Paints the chosen segment. Hold Alt to erase; Shift and the wheel change the radius
cmd-tool-eraser = Eraser
cmd-tool-eraser-tip = Takes voxels from the chosen segment; the others stay as they are
cmd-brush-shape = Disc or sphere
cmd-brush-larger = Larger brush
cmd-brush-smaller = Smaller brush
cmd-segmentation-new = New segmentation
cmd-segmentation-new-tip = Over the volume of the active view, or over its frame where it is none
cmd-segmentation-delete = Delete segmentation
cmd-segmentation-save = Save segmentation as…
cmd-segmentation-save-tip = The ending of the name says the form: .dcm (DICOM SEG), .labelmap.dcm, .rtstruct.dcm, .nii, .nii.gz, .nrrd, .mha, .png. Rejected segments stay here
cmd-segmentation-measured = Save segmentation with measurements…
cmd-segmentation-measured-tip = As DICOM SEG (.dcm, .labelmap.dcm), and beside it a report (SR, TID 1500) with the volume and mean value of each segment: NAME.sr.dcm
segments-save = Save as…
job-saving-segmentation = Writing the segmentation
notice-segmentation-saved = Segmentation written
notice-segmentation-measured = Segmentation and its measurements written
notice-segmentation-unmeasured = The segmentation was written, its measurements were not
notice-segmentation-unsaved = The segmentation was not written
cmd-segment-new = New segment
cmd-segment-delete = Delete segment
cmd-segment-move = Segment to the next layer
cmd-segment-move-tip = Segments of one layer exclude each other, those of different layers may overlap. It goes to the next layer in which it has room
segment-layer = Layer
segment-layer-new = new
segment-in-the-way = “{ $name }” in layer { $layer }
notice-segment-moved = The segment is in layer { $count } now
notice-segment-overlaps = The segment stays in its layer: elsewhere it would overlap another one
notice-segment-no-layer = There is no other layer for this segment
segments-blind = Masks of other readers are not shown: reading is blind
segmentation-adjudicated = Adjudicated
notice-segmentation-for-all = This segmentation is there for all readers and stays while reading is blind
judging = Masks of both
judging-difference = Differences
judging-left = left alone
judging-right = right alone
judging-taken = What was taken
judging-all = All
judging-dice = Dice { $dice }
judge-left = Left
judge-left-tip = As the left reader has it
judge-right = Right
judge-right-tip = As the right reader has it
judge-union = Union
judge-union-tip = What either has
judge-shared = Intersection
judge-shared-tip = What both have
job-adjudicating = Taking masks over
notice-masks-taken = { $count ->
    [one] One segment taken over
   *[other] { $count } segments taken over
}
notice-masks-not-taken = Nothing was taken over: the masks lie on different grids, or no layer has room
cmd-voxel-origin = Where this voxel comes from
cmd-voxel-origin-tip = Every change of the voxel under the pointer, or at the crosshair: tool, what it was told, who, when
origin-title = Where this voxel comes from
origin-close = Close
origin-reading = Reading the journal…
origin-none = Nobody has changed it
origin-away = taken away
origin-model = Network
origin-file = From a file
origin-restore = Restored
origin-copy = Copied to the own name
origin-reviewer = Adjudication
origin-edit = Command line
notice-no-voxel = There is no segmentation under the pointer or at the crosshair
notice-no-origins = The journal could not be read for this voxel
segment-probability = p { $probability }
segment-probability-note = mean probability inside, not calibrated
segmentation-title = What this segmentation is called
cmd-segment-lock = Lock segment
cmd-segment-hide = Hide segment
cmd-segment-solo = Show only this segment
cmd-segment-accept = Accept segment
cmd-segment-accept-tip = With the brush in hand, Enter accepts a proposal
cmd-segment-reject = Reject segment
cmd-segment-reject-tip = A rejected segment is kept and not drawn. With the brush in hand, Delete rejects a proposal
cmd-segment-1 = Segment 1
cmd-segment-2 = Segment 2
cmd-segment-3 = Segment 3
cmd-segment-4 = Segment 4
cmd-segment-5 = Segment 5
cmd-segment-6 = Segment 6
cmd-segment-7 = Segment 7
cmd-segment-8 = Segment 8
cmd-segment-9 = Segment 9
segment-name = Segment { $number }
segmentation-name = Segmentation { $number }
segments-no-picture = Open a picture to label it
segments-none = Nothing is labelled here yet. Take the brush (B) and paint, or begin with a list of labels
segments-no-schema = No label list
segments-schema = The labels that a new segmentation begins with
segments-add-of = From a list
segments-solo = Only this one
segments-tools = Tools
segments-look = Look
segments-not-drawn = This segmentation cannot be drawn here
brush-form = Form
brush-disc = Disc
brush-sphere = Sphere
brush-radius = Radius
brush-radius-tip = [ and ], or Shift and the wheel over the picture
brush-only = Only
brush-range = values
brush-range-tip = Paint only where the value of the picture lies in this range
brush-others = Others
brush-over = paint over
brush-over-tip = Off: voxels of other segments stay theirs
segment-no-segment = Add a segment first
segment-is-hidden = The segment is hidden
segment-range-other-grid = No values here: the segmentation has a grid of its own
segment-color = Colour
segment-ml = { $ml } ml
segment-pixels = { $count } px
segment-voxels = { $count ->
    [one] { $count } voxel
   *[other] { $count } voxels
}
segment-values = Mean { $mean } ± { $sd }, { $min } to { $max }
segment-proposed = proposed
segment-accepted = accepted
segment-edited = edited
segment-rejected = rejected
notice-segmentation-too-large = This volume is too large to be labelled
cmd-segments-propose = To segments
cmd-segments-propose-tip = The network's mask becomes proposed segments: accept, correct or reject each
job-propose = Taking the mask over
notice-propose-failed = The mask could not be taken over
notice-propose-nothing = The mask is empty: there is nothing to propose
cmd-proposal-next = Next proposal
cmd-proposal-next-tip = Chooses the next proposed segment and shows its slice
cmd-proposal-previous = Previous proposal
notice-no-proposals = There is no proposal left
cmd-find-lesions = Find nodules
cmd-find-lesions-tip = The network looks through the CT; each nodule becomes a proposed segment. AI, not for diagnostic use
ai-lesions = Nodules in the CT
job-finding-lesions = Looking for nodules
segment-nodule = Nodule { $number }, { $mm } mm
notice-lesions-found = { $count ->
    [one] { $count } nodule is proposed
   *[other] { $count } nodules are proposed
}: accept, correct or reject each. How sure the network is was not calibrated
notice-lesions-none = The network found no nodule. That does not say that there is none
cmd-tool-grow = Grow region
cmd-tool-grow-tip = A click takes what hangs together and has values like it: in the slice with the disc, in space with the sphere. Dragging up or down with the button down changes the tolerance
cmd-tool-scissors = Scissors
cmd-tool-scissors-tip = What lies inside of a drawn outline is given to the segment, with Alt taken from it: in the slice with the disc, through the volume with the sphere
brush-scissors-slice = in the slice
brush-scissors-through = through the volume
cmd-tool-trace = Level tracing
cmd-tool-trace-tip = A click takes what the line at the level of the pixel shuts in, which is shown while the pointer moves; with Shift what is darker, with Alt it is taken away
brush-trace-bright = as bright or brighter
brush-trace-dark = as dark or darker
cmd-tool-wire = Livewire
cmd-tool-wire-tip = Clicks set anchors, and the outline follows edges from one to the next: Enter or a click on the first one gives the segment what it shuts in, with Alt takes that away; Backspace takes the last anchor back
brush-wire-begin = click on an edge
brush-wire-go-on = next anchor, Escape leaves it
brush-wire-enter = Enter closes it, Escape leaves it
brush-wire-close = click closes it
brush-wire-elsewhere = the outline is in another slice; Escape leaves it
cmd-tool-prompt = Points and scribbles
cmd-tool-prompt-tip = Left says what belongs to the segment, Alt and left what does not; what follows is outlined, Enter takes it: in the slice with the disc, in space with the sphere
brush-prompt-plus = belongs to it
brush-prompt-minus = does not
brush-prompt-accept = Enter takes it, Escape leaves it
brush-points-asked = the network is asked
brush-points-answer = p { $confidence }: Enter proposes it, Escape leaves it
segments-points-by = Answered by
segments-points-by-tip = Who says what follows from points and scribbles: tools that need no weights, or an imported network that takes points
segments-points-by-tools = random walks, geodesic distance
segment-by-points = { $model }, p { $confidence }
notice-points-not-answered = The network has not answered yet
notice-points-nothing = The network finds nothing at these points
notice-points-no-volume = Networks by points look at volumes
brush-tolerance = Tolerance
brush-tolerance-tip = Grow region: how far values may be from that under the click, where no range is given
segments-whole = Whole segment
segments-by = By
segment-grow-margin = Larger
segment-shrink = Smaller
segment-smooth = Smooth
segment-open = Open
segment-close = Close
segment-fill-holes = Fill holes
segment-fill-between = Fill between slices
segment-largest = Largest part
segment-without-small = Without crumbs
segment-grow-cut = Grow-cut
segment-watershed = Watershed
segment-add = Add
segment-subtract = Subtract
segment-intersect = Intersect
job-segment-tool = Changing the segment
notice-segment-tool-failed = The tool could not start
notice-segment-changed = The segment was changed meanwhile; the result of the tool was not used
notice-segment-nothing = The tool changed nothing
# Quality of data
panel-view-quality = Data quality
cmd-record-quality = Data quality
cmd-record-quality-tip = What is missing, contradicts itself, cannot be or came twice in the record, and corrections that undo takes back
quality-looked = { $count ->
    [one] { $count } resource
   *[other] { $count } resources
}
quality-tally = { $wrong } of { $looked } wrong
quality-amended = { $count ->
    [one] { $count } resource is read as corrected; what came stays, and undo takes it back
   *[other] { $count } resources are read as corrected; what came stays, and undo takes it back
}
quality-none = Nothing wrong was found
quality-mend = Correct
quality-mend-all = Correct all { $count }
quality-completeness = Completeness
quality-consistency = Consistency
quality-plausibility = Plausibility
quality-units = Units
quality-duplicates = Duplicates
quality-codes = Codes
quality-no-name = No name
quality-no-birth-date = No birth date
quality-no-sex = No sex
quality-no-identifier = No identifier
quality-no-date = Nothing says when
quality-no-code = Nothing says what
quality-no-value = A final observation without a value
quality-before-birth = Before the birth
quality-after-death = After the death
quality-end-before-start = Ends before it begins
quality-sex-contradicts = Does not go with the sex
quality-active-and-over = Called active, and has an end
quality-pressure-swapped = Systolic pressure below diastolic
quality-lost-reference = Refers to something that is not there
quality-picture-of-another = Pictures under the same ID of another person
quality-study-differs = A study differs from its pictures
quality-future = In the future
quality-too-old = Older than 120 years
quality-impossible = No living person has this value
quality-outlier = Far from all other values of the patient
quality-unit-missing = A value without a unit
quality-unit-spelling = Unit not written as UCUM
quality-unit-unknown = Unit not of UCUM
quality-unit-of-code = Unit does not go with the code
quality-unit-swapped = Usual in another unit, impossible in this one
quality-unit-mixed = Most values of this code have another unit
quality-duplicate-fact = Recorded twice
quality-duplicate-patient = Another patient with the same name, birth date and sex
quality-code-missing = Words without a code
quality-system-missing = A code without a system
quality-code-form = A code that its system cannot have
quality-status = Status that FHIR does not allow
quality-gender = Gender that FHIR does not allow

# The log of the store
audit-detail-studies = list of studies
audit-detail-records = list of records
audit-detail-words = words of records
audit-detail-cohort = cohort
audit-detail-quality = quality of the data
audit-detail-commits = { $first ->
    [one] one saved edit
   *[other] { $first } saved edits
}
audit-detail-resources = resources: { $first } new, { $second } replaced
audit-detail-files = files: { $first } new, { $second } again
audit-detail-tables = tables: patients { $first }, facts { $second }
audit-title = Log of the store
audit-read = Read again
audit-write-fhir = Write as FHIR…
audit-write-csv = Write as CSV…
audit-sound = { $count ->
    [one] { $count } entry, not changed, moved or missing
   *[other] { $count } entries, none changed, moved or missing
}
audit-broken = The log is not as it was written from entry { $number } on
audit-damaged-before = An earlier log was found damaged; what was left of it lies beside this one
audit-all-users = All accounts
audit-all-kinds = All entries
audit-refused = Not done only
audit-words = Words, or what stands for a patient
audit-shown = { $count } shown
audit-left-out = { $count ->
    [one] { $count } older one left out
   *[other] { $count } older ones left out
}
audit-not-done = NOT DONE
audit-begun = Log begun
audit-opened = Store opened
audit-closed = Store closed
audit-login-failed = Wrong passphrase
audit-locked = Locked
audit-unlocked = Unlocked
audit-break-glass = Break-glass
audit-denied = Refused
audit-query = Search
audit-study-viewed = Study opened
audit-record-viewed = Record opened
audit-edited = Change
audit-undone = Taken back or done again
audit-studies-imported = Studies taken in
audit-images-kept = Copies of files kept
audit-records-imported = Records taken in
audit-exported = Written out
audit-anonymized = Copies without identity
audit-erased = Patient taken out
audit-verified = Store looked over
audit-backed-up = Store copied
audit-restored = Copy put back
audit-recovered = Store repaired
audit-rekeyed = Another key
audit-user-added = Account added
audit-user-removed = Account removed
audit-role-changed = Another role
audit-passphrase-changed = Another passphrase
audit-key-remembered = Key remembered by a computer
audit-key-forgotten = Remembered key taken back
audit-audit-read = Log read
audit-audit-damaged = Log found damaged
audit-failed = Failed
cmd-audit = Log of the store
cmd-audit-tip = Who did what, whether the log is whole, and the log for other programs
notice-audit-no-store = Open the store first; it keeps the log
notice-audit-failed = The log could not be read or written: { $detail }
notice-audit-written = { $count ->
    [one] { $count } entry of the log written
   *[other] { $count } entries of the log written
}

# What the columns of a table mean
mapping-title = What do the columns mean?
mapping-text = { $name }: rows { $rows }, columns { $columns }
mapping-rows-are = Each row is
mapping-category = Category
mapping-system = System of codes
mapping-preview = The first rows would be read as
mapping-import = Take in
mapping-import-keep = Take in and keep the mapping
mapping-cancel = Cancel
mapping-no-patient = No column says whose each row is: choose one, or show the patient first whose table it is
mapping-nothing = No row gives anything
mapping-role-of = Meaning of the column { $name }
mapping-role-none = left out
mapping-role-patient = patient number
mapping-role-date = when
mapping-role-measure = a measure
mapping-measure-name = Name of the measure in column { $name }
mapping-measure-code = LOINC code of column { $name }
mapping-measure-unit = Unit of column { $name }
mapping-unit-which = which?
mapping-unit-unknown = unit?
mapping-unit-name = by its name
mapping-unit-values = by its values
mapping-units-open = Say in which unit these columns stand: { $names }
mapping-gives = The whole table: rows { $rows }, facts { $facts }, rows that give nothing { $empty }
mapping-faults = { $count ->
    [one] One fault in the rows
   *[other] { $count } faults in the rows
}
mapping-fault = Row { $row }, { $name }: { $fault }
mapping-fault-patient = does not say whose it is, left out
mapping-fault-no-date = no day, left out
mapping-fault-date = the day cannot be read
mapping-fault-number = not a number, left out
mapping-fault-code = neither code nor words, left out
mapping-fault-value = no value, left out
mapping-fault-fields = more or fewer fields than columns
mapping-role-end = until when
mapping-role-code = code
mapping-role-display = what, in words
mapping-role-value = value
mapping-role-unit = unit
mapping-role-low = lower limit
mapping-role-high = upper limit
mapping-role-status = status
mapping-role-id = number of the row
mapping-role-system = system of the code
mapping-role-dosage = dosage
mapping-role-criticality = criticality
mapping-role-family = family name
mapping-role-given = given name
mapping-role-birth-date = birth date
mapping-role-sex = sex
mapping-observation = a value
mapping-condition = a condition
mapping-medication = a drug
mapping-procedure = a procedure
mapping-immunization = an immunisation
mapping-allergy = an allergy
mapping-patients = a patient
mapping-laboratory = laboratory
mapping-vital-signs = vital signs
mapping-activity = activity
mapping-no-category = none
notice-mapping-kept = The mapping lies beside its table
notice-mapping-unkept = The mapping could not be kept beside its table: { $detail }

# Many patients at once
cohort-title = Cohort
cohort-query = condition:diabetes age>=60 …
cohort-code = value, e.g. 2160-0
cohort-code-tip = LOINC code or name of a value whose spread is drawn
cohort-ask = Count
cohort-export = Write as tables…
cohort-export-tip = Parquet without identity, into a new folder
cohort-help = condition:diabetes · drug!:metformin · value:2160-0>1.5mg/dL · finding:nodule=6..8@2y · picture:CT · study#>=2 · ai:nodule · tag:KVP>=100&SliceThickness<=1.5 · age>=60 · sex:F · -dead · or
cohort-unread = { $count ->
    [one] The file of one series could not be read; what its header says is not known
   *[other] Files of { $count } series could not be read; what their headers say is not known
}
cohort-not-understood = Not understood: { $word }
cohort-found = { $patients } of { $of } patients, facts: { $facts }
cohort-people = women { $women }, men { $men }, others or unknown { $others }; died { $dead }
cohort-ages = Age, years
cohort-years = Studies by year
cohort-no-values = Nobody has this value
cohort-spread = mean { $mean } ± { $deviation } { $unit }, median { $median }, quartiles { $low } and { $high }
cohort-other-units = { $count ->
    [one] { $count } patient has it in a unit that nothing converts
   *[other] { $count } patients have it in a unit that nothing converts
}
cohort-conditions = Conditions
cohort-drugs = Drugs
cohort-allergies = Allergies
cohort-values = Values
cohort-procedures = Procedures
cohort-vaccines = Immunisations
cohort-encounters = Encounters
cohort-studies = Studies of the record
cohort-reports = Reports
cohort-findings = Findings of reports
cohort-genes = Genes
cohort-pictures = Pictures
cohort-marks = Marks
cohort-networks = Marks by networks
search-title = Search all records
search-hint = Words of reports, diagnoses, drugs, values …
search-help = All words must be there; the last one may be the beginning of one. Enter goes to the day in the record
search-busy = Searching
search-found = { $count ->
    [0] Nothing found
    [one] One document
   *[other] { $count } documents, the newest first
}
search-found-newest = { $count ->
    [one] The newest document
   *[other] The newest { $count } documents
}
search-only = Only { $name }
search-hidden = What people wrote may say who somebody is. Show identities to search records
search-go = Go there
search-go-tip = To its day in the record, with pictures of this patient
search-cut = The text goes on
search-kind-report = Report
search-kind-document = Document
search-kind-condition = Condition
search-kind-allergy = Allergy
search-kind-medication = Drug
search-kind-procedure = Procedure
search-kind-study = Imaging study
search-kind-immunization = Immunisation
search-kind-care-plan = Care plan
search-kind-encounter = Encounter
search-kind-family = Family history
search-kind-observation = Value
search-kind-other = Other
cmd-search-records = Search all records…
cmd-search-records-tip = Find words in reports and records of all patients, in English and Chinese
notice-search-no-pictures = No pictures of this patient are open or known to the store; the record stands beside pictures only
cmd-cohort = Cohort
cmd-cohort-tip = Find many patients by record, pictures, marks and networks, count them, write them out without identity
notice-cohort-no-store = Open the store first, or take a record in
notice-cohort-failed = The tables could not be written: { $detail }
notice-cohort-written = { $count ->
    [one] { $count } patient written without identity
   *[other] { $count } patients written without identity
}
