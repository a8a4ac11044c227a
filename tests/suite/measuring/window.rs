//! The same numbers by the window's own way: presses and drags on the screen of turned, mirrored, enlarged and moved
//! views, through the tools to points in the patient (or in pixels), and from there to the numbers beside the mark.
//!
//! What is expected is calculated here from places in the picture; values inside outlines are numpy's
//! (tests/data/marks_figures.py).

use super::{COLUMNS, Numbers, Phantom, ROWS, SLICES};
use glam::{DQuat, DVec2, DVec3};
use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource},
        guard::Limits,
        scan::{ScanEvent, ScanOptions, scan},
    },
    gpu::GpuContext,
    imaging::measure::{Ask, MarkMeasure, ValuesState, measure_mark},
    model::{
        annotation::{Annotation, MarkKind, PointSpace},
        geometry::BodyPlane,
        view::Interpolation,
    },
    task::{CancelToken, Progress},
    tools::mark::{self, Draft, Lies},
    workspace::{
        display::SeriesDisplay,
        library::Library,
        measuring::{mark_at, site::Site},
        view::{Picture, ViewKind, Viewport},
    },
};
use serde_json::Value;
use std::{
    f64::consts::PI,
    sync::{Arc, Mutex, OnceLock},
};

fn gpu() -> &'static GpuContext {
    static GPU: OnceLock<GpuContext> = OnceLock::new();
    GPU.get_or_init(|| GpuContext::headless().expect("a Vulkan adapter; lavapipe is enough"))
}

fn phantoms() -> [Phantom; 5] {
    let oblique = DQuat::from_xyzw(0.31, -0.42, 0.17, 0.83).normalize();
    let volume = |name, step, axes| Phantom {
        name,
        step,
        axes: Some(axes),
        intercept: -1024.0,
        source: "mm (Pixel Spacing)",
        slices: SLICES,
    };
    let film = |name, step, source| Phantom {
        name,
        step,
        axes: None,
        intercept: -1024.0,
        source,
        slices: SLICES,
    };
    [
        volume("isotropic", DVec3::splat(0.75), DQuat::IDENTITY),
        volume("1:2", DVec3::new(0.5, 1.0, 1.5), DQuat::IDENTITY),
        volume("oblique", DVec3::new(0.7, 0.9, 2.5), oblique),
        film("calibrated", DVec3::new(0.35, 0.35, 1.0), "mm (calibrated)"),
        film(
            "magnified",
            DVec3::new(0.08, 0.08, 1.0),
            "mm (magnification 1.25)",
        ),
    ]
}

/// A phantom in a cell.
struct Cell {
    phantom: Phantom,
    viewport: Viewport,
    source: FileFrames,
    size: [u32; 2],
    _folder: tempfile::TempDir,
}

impl Cell {
    fn open(phantom: Phantom) -> Self {
        let folder = tempfile::tempdir().unwrap();
        phantom.write(folder.path());
        let found = Mutex::new(Vec::new());
        scan(
            &[folder.path().to_owned()],
            &ScanOptions::default(),
            &CancelToken::default(),
            &Progress::default(),
            &|event| match event {
                ScanEvent::Instance(instance) => found.lock().unwrap().push(instance),
                ScanEvent::Rejected(rejection) => panic!("{}", rejection.code),
            },
        );
        let library = Library::build(&found.into_inner().unwrap(), Vec::new());
        let node = library.series().next().expect("a series").clone();
        assert_eq!(node.layout.frames.len(), SLICES, "{}", phantom.name);
        let display = SeriesDisplay::new(node.key.clone(), node.layout.clone(), 1 << 30, gpu());
        let mut viewport = Viewport::default();
        viewport.show(node, Arc::new(display), ViewKind::Stack);
        Self {
            phantom,
            viewport,
            source: FileFrames::with_limits(Limits::default()),
            size: [640, 480],
            _folder: folder,
        }
    }

    /// Another way of looking at the same slice.
    fn look(&mut self, numbers: &mut Numbers, slice: usize) {
        let view = &mut self.viewport.view;
        *view = Default::default();
        self.viewport.slice = slice;
        let times = |numbers: &mut Numbers| (numbers.next() * 4.0) as usize;
        for _ in 0..times(numbers) {
            view.turn = view.turn.rotated_right();
        }
        if numbers.next() < 0.5 {
            view.turn = view.turn.flipped_horizontally();
        }
        if numbers.next() < 0.5 {
            view.turn = view.turn.flipped_vertically();
        }
        view.interpolation = Interpolation::Nearest;
        self.size = [0; 2].map(|_| numbers.between(180.0, 1900.0) as u32);
        let picture = self.picture();
        // A column is 5 to 25 pixels wide: nobody draws where corners cannot be told from each other.
        let zoom = numbers.between(5.0, 25.0) / picture.magnification;
        let at = [0, 1].map(|i| numbers.next() * f64::from(self.size[i]));
        self.viewport.zoom_at(&picture, at[0], at[1], zoom);
        let picture = self.picture();
        let by = [(); 2].map(|()| numbers.between(-90.0, 90.0));
        self.viewport.pan(&picture, by[0], by[1]);
    }

    fn picture(&self) -> Picture {
        self.viewport.picture(self.size).expect("a picture")
    }

    fn site(&self) -> Site {
        self.viewport
            .mark_site(&self.picture())
            .expect("a place for marks")
    }

    /// The place on the screen of a place in the picture, as the toolkit gives it: in 32-bit points.
    fn screen(&self, pixel: DVec2) -> DVec2 {
        let map = self.picture().view.voxel_from_viewport;
        let (x, y) = (map.matrix3.x_axis.truncate(), map.matrix3.y_axis.truncate());
        let to = pixel - map.translation.truncate();
        let at = DVec2::new(to.perp_dot(y), x.perp_dot(to)) / x.perp_dot(y);
        at.as_vec2().as_dvec2()
    }

    /// Draws by hand: first two places by a drag, the others by clicks, the end by Enter where it takes one.
    fn draw(&self, kind: MarkKind, places: &[DVec2]) -> Annotation {
        let site = self.site();
        let (space, lens) = site.drawing().expect("something to draw on");
        let expected = match self.phantom.axes {
            Some(_) => PointSpace::Patient,
            None => PointSpace::Pixel,
        };
        assert_eq!(space, expected, "{}", self.phantom.name);
        let at: Vec<DVec2> = places.iter().map(|p| self.screen(*p)).collect();
        let open = matches!(
            kind,
            MarkKind::Polygon | MarkKind::Polyline | MarkKind::Spline
        );
        let mut draft = Draft::begin(kind, lens, at[0], 1.0);
        let mut done = mark::Progress::Going;
        let drags: Vec<[DVec2; 2]> = match (kind, open) {
            (_, true) | (MarkKind::Point, _) => at.iter().map(|p| [*p, *p]).collect(),
            (MarkKind::Cobb, _) => vec![[at[0], at[1]], [at[2], at[3]]],
            _ => std::iter::once([at[0], at[1]])
                .chain(at[2..].iter().map(|p| [*p, *p]))
                .collect(),
        };
        for (i, [from, to]) in drags.into_iter().enumerate() {
            assert_eq!(done, mark::Progress::Going);
            if i > 0 {
                draft.moved(lens, from, false);
                draft.press(lens, from, false);
            }
            draft.moved(lens, (from + to) * 0.5, false);
            draft.moved(lens, to, false);
            done = draft.release(lens, to, false);
        }
        if open {
            done = draft.finish(lens);
        }
        let mark::Progress::Done(shape) = done else {
            panic!("{kind:?} of {places:?} ends {done:?}");
        };
        mark_at(&site, space, shape)
    }

    fn measure(&self, mark: &Annotation) -> MarkMeasure {
        let layout = &self.viewport.display.as_ref().unwrap().layout;
        let frame = |index: usize| {
            let reference = layout.frames.get(index)?;
            self.source
                .read_frame(&reference.instance, reference.frame)
                .ok()
        };
        measure_mark(
            mark.space,
            &mark.target,
            &mark.shape,
            layout,
            Some(&frame),
            &Ask::default(),
        )
        .unwrap_or_else(|error| panic!("{}: {:?}: {error}", self.phantom.name, mark.shape))
    }
}

/// Whether two places are far enough apart on any screen to be drawn: nobody draws shorter lines than a few pixels.
fn apart(places: &[DVec2]) -> bool {
    places
        .iter()
        .enumerate()
        .all(|(i, p)| places[..i].iter().all(|q| p.distance(*q) > 4.0))
}

fn random_places(numbers: &mut Numbers, count: usize) -> Vec<DVec2> {
    loop {
        let places: Vec<DVec2> = (0..count)
            .map(|_| {
                DVec2::new(
                    numbers.between(0.0, COLUMNS as f64 - 1.0),
                    numbers.between(0.0, ROWS as f64 - 1.0),
                )
            })
            .collect();
        if apart(&places) {
            return places;
        }
    }
}

/// By the law of cosines.
fn angle(u: DVec2, v: DVec2) -> f64 {
    let w = (u - v).length_squared();
    let (a, b) = (u.length(), v.length());
    ((a * a + b * b - w) / (2.0 * a * b))
        .clamp(-1.0, 1.0)
        .acos()
        .to_degrees()
}

fn near(name: &str, found: Option<f64>, expected: f64, bound: f64, worst: &mut f64) {
    let found = found.unwrap_or_else(|| panic!("no {name}"));
    let off = (found - expected).abs();
    assert!(off <= bound, "{name}: {found}, expected {expected}");
    *worst = worst.max(off / bound);
}

#[test]
fn five_hundred_marks_drawn_by_hand_are_what_they_should_be() {
    let mut numbers = Numbers(4);
    let mut worst = 0.0;
    for phantom in phantoms() {
        let mut cell = Cell::open(phantom);
        for number in 0..100 {
            let slice = (numbers.next() * SLICES as f64) as usize;
            cell.look(&mut numbers, slice);
            let mm = |p: DVec2| p * cell.phantom.step.truncate();
            let (part, degrees) = (1e-3, 0.05);
            let (kind, count) = match number % 10 {
                0..3 => (MarkKind::Length, 2),
                3 | 4 => (MarkKind::Angle, 3),
                5 => (MarkKind::Cobb, 4),
                6 => (MarkKind::Perpendicular, 3),
                7 => (MarkKind::Polyline, 5),
                8 => (MarkKind::Circle, 2),
                _ => (MarkKind::Bidirectional, 3),
            };
            let places = random_places(&mut numbers, count);
            let p: Vec<DVec2> = places.iter().map(|p| mm(*p)).collect();
            let mark = cell.draw(kind, &places);
            let found = cell.measure(&mark);
            let m = &found.measurement;
            let mut check = |name: &str, expected: f64, bound: f64| {
                near(name, m.value(name), expected, bound, &mut worst);
            };
            match kind {
                MarkKind::Length => {
                    let length = p[0].distance(p[1]);
                    check("length", length, part * length);
                }
                MarkKind::Angle => check("angle", angle(p[0] - p[1], p[2] - p[1]), degrees),
                MarkKind::Cobb => {
                    let full = angle(p[1] - p[0], p[3] - p[2]);
                    check("cobb_angle", full.min(180.0 - full), degrees);
                }
                MarkKind::Perpendicular => {
                    // Twice the triangle by its base. Drawn line first, point last.
                    let area = (p[1] - p[0]).perp_dot(p[2] - p[0]).abs();
                    let distance = area / p[0].distance(p[1]);
                    check("distance", distance, part * distance.max(1.0));
                }
                MarkKind::Polyline => {
                    let length: f64 = p.windows(2).map(|s| s[0].distance(s[1])).sum();
                    check("length", length, part * length);
                }
                MarkKind::Circle => {
                    let radius = p[0].distance(p[1]);
                    check("radius", radius, part * radius);
                    check("area", PI * radius * radius, part * PI * radius * radius);
                }
                _ => {
                    let (long, reach) = (p[0].distance(p[1]), (p[1] - p[0]).perp_dot(p[2] - p[0]));
                    let across = 2.0 * reach.abs() / long;
                    check("long_axis", long.max(across), part * long.max(across));
                    check("short_axis", long.min(across), part * long.max(across));
                    check("angle_between", 90.0, degrees);
                }
            }
            let scaled = m.quantities.iter().find(|q| q.unit.starts_with("mm"));
            if let Some(quantity) = scaled {
                assert_eq!(quantity.source, cell.phantom.source);
            }
        }
    }
    println!("the worst came to {worst:.2e} of its bound");
}

fn figures() -> Vec<Value> {
    serde_json::from_str(include_str!("../../data/marks_figures.json")).unwrap()
}

fn kind_of(figure: &Value) -> MarkKind {
    MarkKind::named(figure["type"].as_str().unwrap()).unwrap()
}

fn places_of(figure: &Value) -> Vec<DVec2> {
    let list = figure["points"].as_array().unwrap();
    list.iter()
        .map(|p| DVec2::new(p[0].as_f64().unwrap(), p[1].as_f64().unwrap()))
        .collect()
}

#[test]
fn values_inside_drawn_outlines_are_those_of_numpy() {
    let mut numbers = Numbers(9);
    let mut worst: f64 = 0.0;
    let mut measured = 0;
    for phantom in phantoms() {
        let mut cell = Cell::open(phantom);
        for figure in &figures() {
            cell.look(&mut numbers, figure["slice"].as_u64().unwrap() as usize);
            let mark = cell.draw(kind_of(figure), &places_of(figure));
            let found = cell.measure(&mark);
            assert_eq!(found.values, ValuesState::Here, "{}", cell.phantom.name);
            let m = &found.measurement;
            assert_eq!(
                m.counts.unwrap().n,
                figure["n"].as_u64().unwrap(),
                "{}: {figure}",
                cell.phantom.name
            );
            let names = ["mean", "sd_sample", "sd_population", "min", "max", "median"];
            let shares = [
                "percentile_5",
                "percentile_25",
                "percentile_75",
                "percentile_95",
            ];
            for name in names.into_iter().chain(shares) {
                let expected = figure[name].as_f64().unwrap();
                let bound = 1e-6 * expected.abs().max(1.0);
                near(name, m.value(name), expected, bound, &mut worst);
            }
            measured += 1;
        }
    }
    assert_eq!(measured, 300);
    println!("the worst came to {worst:.2e} of its bound");
}

/// Drawn upright or turned, mirrored and enlarged: the same numbers, and the mark lies where it was drawn in every view
/// of its slice and in none of others.
#[test]
fn numbers_do_not_depend_on_how_a_picture_is_looked_at() {
    let mut numbers = Numbers(23);
    for phantom in phantoms() {
        let mut cell = Cell::open(phantom);
        for figure in figures().iter().take(12) {
            let slice = figure["slice"].as_u64().unwrap() as usize;
            let (kind, places) = (kind_of(figure), places_of(figure));
            cell.viewport.view = Default::default();
            cell.viewport.slice = slice;
            cell.size = [1400, 1100];
            let upright = cell.draw(kind, &places);
            let first = cell.measure(&upright);
            let value = |m: &MarkMeasure, name: &str| m.measurement.value(name).unwrap();
            for _ in 0..6 {
                cell.look(&mut numbers, slice);
                let again = cell.measure(&cell.draw(kind, &places));
                for name in ["area", "perimeter"] {
                    let (a, b) = (value(&first, name), value(&again, name));
                    // What 32 bits of the pointer's place allow.
                    assert!(
                        (a / b - 1.0).abs() < 2e-5,
                        "{}: {name} {a} {b}",
                        cell.phantom.name
                    );
                }
                for name in ["mean", "sd_sample", "median"] {
                    assert_eq!(value(&first, name), value(&again, name));
                }
                // The kept mark itself is measured from its points: bit by bit the same.
                assert_eq!(cell.measure(&upright), first);
                let site = cell.site();
                let (lens, lies) = site.sees(&upright).expect("seen on its slice");
                assert_eq!(lies, Lies::In);
                // It is drawn where it was drawn: its centre, or its first corner.
                if kind == MarkKind::Polygon {
                    let seen = lens.screen(upright.shape.points[0]);
                    let scale = cell.picture().magnification;
                    assert!(seen.distance(cell.screen(places[0])) < 1e-3 * scale.max(1.0));
                }
            }
            cell.viewport.slice = (slice + 4) % SLICES;
            assert!(
                cell.site().sees(&upright).is_none(),
                "{}",
                cell.phantom.name
            );
            cell.viewport.slice = if slice == 0 { 1 } else { slice - 1 };
            let beside = cell.site().sees(&upright).map(|(_, lies)| lies);
            let expected = cell.phantom.axes.map(|_| Lies::Near);
            assert_eq!(beside, expected, "{}", cell.phantom.name);
        }
    }
}

/// On cuts through the volume lines are those of the body, and an outline is sampled on its own plane.
#[test]
fn marks_on_cuts_are_those_of_the_body() {
    let mut numbers = Numbers(31);
    let phantom = Phantom {
        step: DVec3::new(0.7, 0.9, 1.25),
        ..phantoms().into_iter().nth(1).unwrap()
    };
    let mut cell = Cell::open(phantom);
    // A cut needs the whole volume in memory, as in the window.
    let display = cell.viewport.display.clone().unwrap();
    for chunk in 0..display.chunks().len() {
        display.load_chunk(chunk, &cell.source, gpu());
    }
    let extent = cell.phantom.step * DVec3::new(COLUMNS as f64, ROWS as f64, SLICES as f64);
    for plane in [BodyPlane::Axial, BodyPlane::Coronal, BodyPlane::Sagittal] {
        cell.viewport.kind = ViewKind::Plane(plane);
        let (right, down) = plane.screen_axes();
        for _ in 0..20 {
            let inside = DVec3::new(numbers.next(), numbers.next(), numbers.next());
            cell.viewport.crosshair = Some(super::ORIGIN + extent * (inside * 0.6 + 0.2));
            cell.viewport.view.zoom = numbers.between(0.8, 3.0);
            cell.size = [700, 500];
            let picture = cell.picture();
            let site = cell.site();
            let (space, lens) = site.drawing().unwrap();
            assert_eq!(space, PointSpace::Patient);
            let centre = cell.size.map(|s| f64::from(s) / 2.0);
            let from = DVec2::from_array(centre)
                + DVec2::new(numbers.between(-60.0, 60.0), numbers.between(-60.0, 60.0));
            let by = DVec2::new(numbers.between(8.0, 60.0), numbers.between(-60.0, -8.0));
            let mut draft = Draft::begin(MarkKind::Length, lens, from, 1.0);
            let mark::Progress::Done(shape) = draft.release(lens, from + by, false) else {
                panic!("no line");
            };
            // The screen's axes are known; the step between the ends is along them.
            let step = shape.points[1] - shape.points[0];
            let expected = (right * by.x + down * by.y) * picture.unit_per_pixel;
            assert!((step - expected).length() < 1e-9 * expected.length());
            let found = cell.measure(&mark_at(&site, space, shape));
            let length = found.measurement.value("length").unwrap();
            assert!((length / expected.length() - 1.0).abs() < 1e-9);
            // A circle keeps its plane: area and samples are those of a circle there.
            let mut draft = Draft::begin(MarkKind::Circle, lens, DVec2::from_array(centre), 1.0);
            let reach = 4.0 / picture.unit_per_pixel;
            let rim = DVec2::from_array(centre) + DVec2::from_angle(numbers.next() * 6.0) * reach;
            let mark::Progress::Done(shape) = draft.release(lens, rim, false) else {
                panic!("no circle");
            };
            let mark = mark_at(&site, space, shape);
            let found = cell.measure(&mark);
            let area = found.measurement.value("area").unwrap();
            assert!((area / (16.0 * PI) - 1.0).abs() < 1e-9, "{plane:?}: {area}");
            assert_eq!(found.values, ValuesState::Here, "{plane:?}");
            let counts = found.measurement.counts.unwrap();
            let sample = cell.phantom.step.min_element().powi(2);
            let expected = 16.0 * PI / sample;
            assert!(
                counts.inside as f64 > 0.85 * expected.min(16.0 * PI / (0.7 * 0.9)),
                "{plane:?}"
            );
        }
    }
}
