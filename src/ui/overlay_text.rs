//! Text over a picture: the four corners, letters, badges (product section 6.5, safety section 5).
//!
//! Must stay true: everything is taken from the very object whose pixels are drawn, and a missing attribute is
//! nothing, never "undefined". Identity is drawn in one place only, so that it can be hidden in one place.

use super::{sampling_text, spacing_text, theme};
use crate::{
    i18n::Language,
    imaging::{
        cover::codes,
        suv::{Attribute, InputValue, SuvPath, SuvScale},
    },
    model::{
        cover::CoverShown,
        finding::{Finding, Severity},
        identity::{PatientIdentity, Sex},
        layout::Part,
        lut::{ModalityUnit, Voi, VoiLutFunction},
        study::{Instance, LossyCompression},
    },
    workspace::{
        display::LoadProgress,
        settings::OverlayText,
        view::{Picture, ViewKind, Viewport, VoiChoice},
    },
};
use egui::Color32;

/// Under this width only the minimal text is drawn.
const NARROW_PT: f32 = 220.0;

/// A line in a corner.
#[derive(Clone, PartialEq)]
pub struct Line {
    /// Text.
    pub text: String,
    /// Colour.
    pub color: Color32,
    /// What it says on hover and does when it is clicked.
    pub about: About,
    /// How soon it goes where there is no room: 0 is what safety asks for.
    pub rank: u8,
}

/// What lies behind a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// Nothing more.
    #[default]
    Nothing,
    /// A reason: a key of the message catalogue.
    Why(&'static str),
    /// Something noticed: a click lists all of it.
    Findings,
    /// The window: a click lets it be typed.
    Window,
}

impl Line {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            color: theme::TEXT,
            about: About::Nothing,
            rank: 1,
        }
    }

    pub(super) fn dim(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            color: theme::TEXT_DIM,
            about: About::Nothing,
            rank: 2,
        }
    }

    pub(super) fn badge(text: impl Into<String>, color: Color32) -> Self {
        Self {
            text: text.into(),
            color,
            about: About::Nothing,
            rank: 0,
        }
    }

    pub(super) fn warn(text: impl Into<String>, why: &'static str) -> Self {
        Self::badge(text, theme::WARN).about(About::Why(why))
    }

    fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// The four corners: top left, top right, bottom left, bottom right.
pub type Corners = [Vec<Line>; 4];

/// What the corners are made from.
pub struct Source<'a> {
    /// Words.
    pub language: Language,
    /// The cell.
    pub viewport: &'a Viewport,
    /// The object whose pixels are drawn.
    pub instance: &'a Instance,
    /// Frame index in that object.
    pub frame_in_instance: usize,
    /// The picture.
    pub picture: &'a Picture,
    /// How much text.
    pub amount: OverlayText,
    /// What of overlay planes and shutter is drawn.
    pub cover: CoverShown,
    /// Names, numbers and dates are hidden.
    pub hide_identity: bool,
    /// The letter of the patient's band, where another patient is on the screen too (safety S3).
    pub beside: Option<String>,
    /// What was noticed.
    pub findings: &'a [Finding],
    /// How far loading is.
    pub progress: LoadProgress,
    /// It is a prior: so many days before what stands beside it.
    pub days_before: Option<i64>,
    /// Value under the pointer.
    pub hover: Option<&'a str>,
    /// A millimetre of the picture is one on the screen.
    pub life_size: bool,
    /// Files beside the shown one that do not open.
    pub rejected: usize,
    /// The frame is a key image.
    pub key_image: bool,
    /// AI lines: model, version, threshold…
    pub ai: Vec<String>,
    /// What filters did to the picture.
    pub filters: super::filter_panel::CellFilters,
}

/// Builds the corners.
pub fn corners(source: &Source<'_>, width_pt: f32) -> Corners {
    let amount = match source.amount {
        OverlayText::Full if width_pt < NARROW_PT => OverlayText::Minimal,
        amount => amount,
    };
    let full = amount == OverlayText::Full;
    let mut corners: Corners = Default::default();
    let [patient, study, image, technique] = &mut corners;
    identity_lines(source, amount, patient);
    if amount != OverlayText::None {
        study_lines(source, full, study);
        image_lines(source, full, image);
    }
    if full {
        technique_lines(source, technique);
    } else {
        side_line(source, technique);
    }
    badge_lines(source, full, technique);
    corners
}

fn identity_lines(source: &Source<'_>, amount: OverlayText, lines: &mut Vec<Line>) {
    let words = source.language;
    let identity = source.instance.patient.as_ref();
    // Beside another patient whose picture it is stays on it in every state of the text.
    let lettered = |text: &str| match &source.beside {
        Some(letter) => format!("{letter}  {text}"),
        None => text.to_owned(),
    };
    if source.hide_identity {
        lines.push(Line::warn(
            lettered(words.word("badge-identity-hidden")),
            "why-identity-hidden",
        ));
    } else if amount != OverlayText::None || source.beside.is_some() {
        lines.push(Line::plain(lettered(&name_text(words, identity))).rank(0));
        let id = identity.id.reveal();
        if !id.is_empty() {
            let text = words.tr("patient-id", &[("id", id.as_str().into())]);
            lines.push(Line::dim(text).rank(1));
        }
        if amount == OverlayText::Full {
            let text = birth_text(words, identity, source.instance.study.date);
            if !text.is_empty() {
                lines.push(Line::dim(text).rank(1));
            }
            let accession = source.instance.study.accession_number.reveal();
            if !accession.is_empty() {
                lines.push(Line::dim(accession.clone()).rank(3));
            }
        }
    }
    if identity.synthetic {
        let line = Line::badge(words.word("badge-synthetic"), theme::ACCENT);
        lines.push(line.about(About::Why("why-synthetic")));
    }
}

/// The name as drawn, or the words for a missing one.
pub fn name_text(words: Language, identity: &PatientIdentity) -> String {
    let name = identity.name.reveal().display();
    if name.is_empty() {
        words.word("patient-unknown-name").to_owned()
    } else {
        name
    }
}

/// Birth date, age on a day, sex.
pub fn birth_text(
    words: Language,
    identity: &PatientIdentity,
    on: Option<crate::model::date::Date>,
) -> String {
    let mut parts = Vec::new();
    if let Some(birth) = identity.birth_date.reveal() {
        parts.push(birth.to_string());
        if let Some(years) = on.and_then(|day| birth.years_until(day)) {
            parts.push(words.tr("overlay-age", &[("years", f64::from(years).into())]));
        }
    }
    let sex = match identity.sex.reveal() {
        Sex::Male => words.word("patient-sex-male"),
        Sex::Female => words.word("patient-sex-female"),
        Sex::Other => words.word("patient-sex-other"),
        Sex::Unknown => "",
    };
    if !sex.is_empty() {
        parts.push(sex.to_owned());
    }
    parts.join("  ")
}

fn study_lines(source: &Source<'_>, full: bool, lines: &mut Vec<Line>) {
    let (study, series) = (&source.instance.study, &source.instance.series);
    let institution = study.institution.reveal();
    if full && !source.hide_identity && !institution.is_empty() {
        lines.push(Line::dim(institution.clone()).rank(3));
    }
    if full && !study.description.is_empty() {
        lines.push(Line::plain(study.description.clone()).rank(2));
    }
    if !source.hide_identity {
        let date = study.date.map(|d| d.to_string()).unwrap_or_default();
        let when = format!("{date} {}", if full { study.time.as_str() } else { "" });
        if !when.trim().is_empty() {
            // The day of a prior has a colour of its own.
            lines.push(match source.days_before {
                Some(_) => Line::badge(when.trim().to_owned(), theme::PRIOR),
                None => Line::plain(when.trim().to_owned()).rank(0),
            });
        }
    }
    if let Some(days) = source.days_before {
        let text = super::hanging_words::before(source.language, days);
        lines.push(Line::badge(text, theme::PRIOR).rank(1));
    }
    let mut parts = Vec::new();
    if full && let Some(number) = series.number {
        parts.push(
            source
                .language
                .tr("overlay-series", &[("number", f64::from(number).into())]),
        );
    }
    if !series.description.is_empty() {
        parts.push(series.description.clone());
    }
    if full && !series.modality.is_empty() {
        parts.push(series.modality.clone());
    }
    if !parts.is_empty() {
        lines.push(Line::dim(parts.join("  ")).rank(1));
    }
    let part = source
        .viewport
        .node
        .as_ref()
        .map(|node| part_text(source.language, &node.layout.part))
        .unwrap_or_default();
    if !part.is_empty() {
        lines.push(Line::plain(part));
    }
}

/// What tells a part of a series from the others, in the user's language; empty where nothing does.
pub fn part_text(words: Language, part: &Part) -> String {
    let terms = part.terms.iter().map(|term| {
        let numbers = term.numbers.iter();
        let mut args: Vec<(&str, crate::i18n::Value<'_>)> = numbers
            .map(|(name, value)| (*name, (*value).into()))
            .collect();
        args.push(("word", term.word.as_str().into()));
        words
            .find(term.key, &args)
            .unwrap_or_else(|| term.text.clone())
    });
    terms.collect::<Vec<_>>().join("  ")
}

fn image_lines(source: &Source<'_>, full: bool, lines: &mut Vec<Line>) {
    let words = source.language;
    let (index, count) = source.picture.position;
    if full {
        if let Some(hover) = source.hover {
            lines.extend(hover.lines().map(Line::plain));
        }
        let mut place = Vec::new();
        if let Some(mm) = source.picture.location_mm {
            let value = crate::i18n::Value::Fixed(mm, 1);
            place.push(words.tr("overlay-location", &[("mm", value)]));
        }
        if matches!(source.viewport.kind, ViewKind::Stack)
            && let Some(mm) = source
                .viewport
                .frame_description()
                .and_then(|d| d.slice_thickness_mm)
        {
            place.push(words.tr("overlay-thickness", &[("mm", mm.into())]));
        }
        if !place.is_empty() {
            lines.push(Line::dim(place.join("  ")));
        }
    }
    if let Some(ms) = source.viewport.phase_ms() {
        let text = words.tr("overlay-phase", &[("ms", ms.into())]);
        lines.push(Line::plain(text));
    }
    if let Some((part, count)) = source.viewport.part(source.picture.view.size) {
        let part = [
            ("number", (u32::from(part) + 1).into()),
            ("count", u32::from(count).into()),
        ];
        lines.push(Line::plain(words.tr("overlay-part", &part)));
    }
    let number = words.tr(
        "overlay-image-of",
        &[("number", (index + 1).into()), ("count", count.into())],
    );
    let kind = match source.viewport.kind {
        ViewKind::Stack => String::new(),
        ViewKind::Plane(plane) => format!("{}  ", plane_name(words, plane)),
        ViewKind::Oblique(plane) => format!(
            "{}  ",
            sampling_text::oblique(words, plane, source.viewport)
        ),
    };
    lines.push(Line::plain(format!("{kind}{number}")).rank(0));
    if let Some(text) = sampling_text::slab(words, source.viewport, &source.picture.view) {
        lines.push(Line::plain(text));
    }
    let window = Line::plain(window_text(words, source.viewport)).about(About::Window);
    lines.push(window.rank(0));
    if full {
        let percent = crate::i18n::Value::Fixed(source.picture.magnification * 100.0, 0);
        let mut text = words.tr("overlay-zoom", &[("percent", percent)]);
        if source.life_size {
            text = format!("{text}  {}", words.word("overlay-life-size"));
            if let Some(source) = spacing_text::unless_plain(words, source.picture.spacing) {
                text = format!("{text} ({source})");
            }
        }
        let sampled = sampling_text::interpolation(words, &source.picture.view);
        lines.push(Line::dim(format!("{text}  {sampled}")));
    }
}

/// The word for a body plane.
pub fn plane_name(words: Language, plane: crate::model::geometry::BodyPlane) -> &'static str {
    use crate::model::geometry::BodyPlane;
    words.word(match plane {
        BodyPlane::Axial => "overlay-axial",
        BodyPlane::Coronal => "overlay-coronal",
        BodyPlane::Sagittal => "overlay-sagittal",
    })
}

/// The window and where it comes from: a preset, the file, the data, or the hand (safety S19).
pub fn window_text(words: Language, viewport: &Viewport) -> String {
    let voi = viewport.voi();
    let numbers = window_numbers(words, &voi);
    let from_file = |explanation: &str| match explanation {
        "" => words.word("overlay-window-file").to_owned(),
        name => words.tr("overlay-window-file-named", &[("name", name.into())]),
    };
    let source = match &viewport.view.voi {
        VoiChoice::Preset(name) => {
            let known = words.find(&format!("preset-{name}"), &[]);
            let name = known.unwrap_or_else(|| name.clone());
            words.tr("overlay-window-preset", &[("name", name.as_str().into())])
        }
        VoiChoice::Custom(_) => words.word("overlay-window-hand").to_owned(),
        VoiChoice::Result { percent, .. } => {
            let [low, high] = percent.map(u32::from);
            let numbers = [("low", low.into()), ("high", high.into())];
            words.tr("overlay-window-result", &numbers)
        }
        VoiChoice::File | VoiChoice::FileIndex(_) if viewport.has_own_window() => match &voi {
            Voi::Window { explanation, .. } => from_file(explanation),
            // A table is called by its name already.
            Voi::Table(_) => from_file(""),
        },
        VoiChoice::Auto | VoiChoice::File | VoiChoice::FileIndex(_) => {
            words.word("preset-auto").to_owned()
        }
    };
    format!("{numbers}  {source}")
}

/// Width and centre; for a table its explanation.
pub(super) fn window_numbers(words: Language, voi: &Voi) -> String {
    match voi {
        Voi::Window { level, .. } => {
            let digits = if level.width < 10.0 { 2 } else { 0 };
            words.tr(
                "overlay-window",
                &[
                    ("width", crate::i18n::Value::Fixed(level.width, digits)),
                    ("center", crate::i18n::Value::Fixed(level.center, digits)),
                ],
            )
        }
        Voi::Table(table) if table.explanation.is_empty() => "VOI LUT".to_owned(),
        Voi::Table(table) => table.explanation.clone(),
    }
}

/// A window or table of the file as a menu lists it: its name with its numbers, or its numbers.
pub fn voi_text(words: Language, voi: &Voi) -> String {
    let numbers = window_numbers(words, voi);
    match voi {
        Voi::Window { explanation, .. } if !explanation.is_empty() => {
            format!("{explanation}  {numbers}")
        }
        _ => numbers,
    }
}

fn technique_lines(source: &Source<'_>, lines: &mut Vec<Line>) {
    let technique = &source.instance.technique;
    let mut push = |text: String| {
        if !text.is_empty() {
            lines.push(Line::dim(text));
        }
    };
    push(technique.contrast_agent.clone());
    let number = |value: Option<f64>, unit: &str| {
        value
            .map(|v| format!("{} {unit}", short(v)))
            .unwrap_or_default()
    };
    let join = |parts: &[String]| {
        parts
            .iter()
            .filter(|p| !p.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join("  ")
    };
    push(join(&[
        number(technique.kvp, "kV"),
        number(technique.exposure_mas, "mAs"),
        technique.kernel.clone(),
    ]));
    let labelled = |name: &str, value: Option<f64>| {
        value
            .map(|v| format!("{name} {}", short(v)))
            .unwrap_or_default()
    };
    push(join(&[
        labelled("TR", technique.repetition_time_ms),
        labelled("TE", technique.echo_time_ms),
        number(technique.field_strength_t, "T"),
    ]));
    if let Some(Some(Ok(scale))) = source.viewport.node.as_ref().map(|n| &n.suv) {
        push(uptake_text(source.language, scale));
    }
    let series = &source.instance.series;
    side_line(source, lines);
    let mut parts = vec![series.patient_position.clone()];
    if source.picture.oriented {
        let normal = source.picture.right.cross(source.picture.down);
        parts.push(source.language.word(seen_from(normal)).to_owned());
    }
    parts.retain(|p| !p.is_empty());
    if !parts.is_empty() {
        lines.push(Line::dim(parts.join("  ")).about(About::Why("why-seen-from")));
    }
}

/// View and side of a radiograph, in every state of the text (safety S14, product section 6.5).
fn side_line(source: &Source<'_>, lines: &mut Vec<Line>) {
    let series = &source.instance.series;
    let parts = [&series.view_position, &series.laterality];
    let parts: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|p| !p.is_empty())
        .collect();
    if !parts.is_empty() {
        let side = Line::plain(parts.join("  ")).about(About::Why("why-side"));
        lines.push(side.rank(0));
    }
}

/// From where somebody looks whose line of sight is this (safety S15).
fn seen_from(away: glam::DVec3) -> &'static str {
    use crate::model::geometry::BodyPlane;
    match (BodyPlane::of_normal(away), away) {
        (BodyPlane::Axial, n) if n.z > 0.0 => "overlay-from-feet",
        (BodyPlane::Axial, _) => "overlay-from-head",
        (BodyPlane::Coronal, n) if n.y > 0.0 => "overlay-from-front",
        (BodyPlane::Coronal, _) => "overlay-from-back",
        (BodyPlane::Sagittal, n) if n.x > 0.0 => "overlay-from-right",
        (BodyPlane::Sagittal, _) => "overlay-from-left",
    }
}

/// What SUV rests on: dose, weight and time (safety S17).
fn uptake_text(words: Language, scale: &SuvScale) -> String {
    let number = |attribute: Attribute| {
        let input = scale.inputs.iter().find(|i| i.attribute == attribute)?;
        match input.value {
            InputValue::Number(value, _) => Some(value),
            _ => None,
        }
    };
    let kind = scale.kinds().next().map_or("SUV", |kind| kind.label());
    let mut parts = vec![kind.to_owned()];
    if let Some(weight) = number(Attribute::PatientWeight) {
        parts.push(format!("{} kg", short(weight)));
    }
    if let Some(dose) = number(Attribute::TotalDose) {
        parts.push(format!("{} MBq", short(dose * 1e-6)));
    }
    match (scale.path, scale.decay.first()) {
        (SuvPath::Dose(_), Some(decay)) => {
            let minutes = (decay.decay_secs / 60.0).round();
            parts.push(words.tr("overlay-suv-decay", &[("minutes", minutes.into())]));
        }
        (SuvPath::Dose(_), None) => parts.push(words.word("overlay-suv-injection").to_owned()),
        (SuvPath::MakerFactor, _) => parts.push(words.word("overlay-suv-maker").to_owned()),
        (SuvPath::Stored(_), _) => parts.push(words.word("overlay-suv-stored").to_owned()),
    }
    parts.join("  ")
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Everything that may be wrong with the picture or a number on it. Shown in every state of the overlay text.
fn badge_lines(source: &Source<'_>, full: bool, lines: &mut Vec<Line>) {
    let words = source.language;
    let image = source.instance.image.as_ref();
    if let Some(lossy) = image.and_then(|i| i.lossy.as_ref()) {
        lines.push(Line::warn(lossy_text(words, lossy), "why-lossy"));
    }
    let percent = 100.0 * source.progress.loaded as f64 / source.progress.total.max(1) as f64;
    let fits = source
        .viewport
        .display
        .as_ref()
        .is_some_and(|d| d.all_fit());
    if fits && source.progress.loaded + source.progress.failed < source.progress.total {
        let percent = crate::i18n::Value::Fixed(percent.floor(), 0);
        let mut text = words.tr("badge-loading", &[("percent", percent)]);
        if source.viewport.is_cut() {
            text = format!("{text}  {}", words.word("badge-provisional"));
        }
        lines.push(Line::warn(text, "why-loading"));
    }
    let there = source.progress.loaded;
    if source.picture.view.slab.is_some() && there < source.progress.total {
        // Safety S9: a projection of what is there so far.
        let missing = source.progress.total - there;
        let text = words.tr("badge-slab-provisional", &[("missing", missing.into())]);
        lines.push(Line::warn(text, "why-loading"));
    }
    if let Some(display) = source.viewport.display.as_ref() {
        if display.reduced() > 1 {
            // Safety S10.
            let factor = ("factor", display.reduced().into());
            let text = words.tr("badge-reduced", &[factor]);
            lines.push(Line::warn(text, "why-reduced"));
        }
        if !fits && display.layout.volume.is_some() {
            let text = words.word("badge-over-budget");
            lines.push(Line::warn(text, "why-over-budget"));
        }
    }
    let turn = source.viewport.view.turn;
    if turn.is_mirrored() {
        lines.push(Line::warn(words.word("badge-flipped"), "why-turned"));
    }
    if turn.quarter_turns() != 0 {
        let degrees = f64::from(turn.quarter_turns()) * 90.0;
        let text = words.tr("badge-rotated", &[("degrees", degrees.into())]);
        lines.push(Line::warn(text, "why-turned"));
    }
    if source.viewport.view.inverted {
        lines.push(Line::warn(words.word("badge-inverted"), "why-inverted"));
    }
    value_lines(source, lines);
    lines.extend(source.filters.lines(words, source.viewport));
    cover_lines(source, lines);
    if source.picture.letters().is_none() {
        let text = words.word("badge-orientation-unknown");
        // Of ultrasound and photographs nobody expects it: the probe and the camera are held as they are.
        let held = ["US", "IVUS", "ES", "XC", "OP", "GM", "SM"];
        lines.push(
            match held.contains(&source.instance.series.modality.as_str()) {
                true => Line::dim(text).about(About::Why("why-orientation-unknown")),
                false => Line::warn(text, "why-orientation-unknown"),
            },
        );
    }
    // Said already by a badge of its own.
    let said = [
        "LOSSY",
        "LOSSY_UNDECLARED",
        "NO_GEOMETRY",
        "UNCALIBRATED",
        "SPACING_AT_DETECTOR",
        "SINGLE_SLICE",
    ];
    let mut left = source.findings.iter().filter(|f| !said.contains(&f.code));
    for finding in left.by_ref().take(if full { 4 } else { 2 }) {
        let color = match finding.severity {
            Severity::Error => theme::ERROR,
            Severity::Warning => theme::WARN,
            Severity::Info => theme::TEXT_DIM,
        };
        let line = Line::badge(finding_text(words, finding), color);
        lines.push(line.about(About::Findings));
    }
    let more = left.count();
    if more > 0 {
        let text = words.tr("badge-more-findings", &[("count", more.into())]);
        lines.push(Line::dim(text).about(About::Findings));
    }
    if source.rejected > 0 {
        let text = words.tr("badge-rejected", &[("count", source.rejected.into())]);
        lines.push(Line::badge(text, theme::WARN).about(About::Findings));
    }
    let line = Line::dim(spacing_text::whole(words, source.picture.spacing)).rank(1);
    lines.push(line.about(About::Why(spacing_text::why(source.picture.spacing))));
    if source.key_image {
        let text = words.word("badge-key-image");
        lines.push(Line::badge(text, theme::ACCENT).rank(1));
    }
    for text in &source.ai {
        let line = Line::badge(text.clone(), theme::AI);
        lines.push(line.about(About::Why("why-ai")));
    }
}

/// What the numbers of the pixels mean where that is not the usual (safety S17, S19).
fn value_lines(source: &Source<'_>, lines: &mut Vec<Line>) {
    let words = source.language;
    let Some(image) = source.instance.image.as_ref() else {
        return;
    };
    if image.lowest_is_white() {
        let line = Line::dim(words.word("badge-low-is-white"));
        lines.push(line.about(About::Why("why-low-is-white")));
    }
    let description = image.frame(source.frame_in_instance);
    let modality = source.instance.series.modality.as_str();
    if modality == "CT" && description.unit != ModalityUnit::Hounsfield {
        lines.push(Line::warn(
            words.word("badge-no-hounsfield"),
            "why-no-hounsfield",
        ));
    }
    let layout = source.viewport.display.as_ref().map(|d| &d.layout);
    if layout.is_some_and(|l| l.mixed_rescale) {
        let line = Line::dim(words.word("badge-rescale-by-slice"));
        lines.push(line.about(About::Why("why-rescale-by-slice")));
    }
    let sigmoid = |voi: &Voi| {
        let sigmoid = VoiLutFunction::Sigmoid;
        matches!(voi, Voi::Window { function, .. } if *function == sigmoid)
    };
    if sigmoid(&source.viewport.voi()) {
        lines.push(Line::dim("SIGMOID").about(About::Why("why-sigmoid")));
    }
    if image.display.presentation_lut.is_some() {
        let line = Line::dim(words.word("badge-presentation-lut"));
        lines.push(line.about(About::Why("why-presentation-lut")));
    }
    if source.picture.oriented && source.instance.series.frame_of_reference_uid.is_empty() {
        let line = Line::dim(words.word("badge-no-frame-of-reference"));
        lines.push(line.about(About::Why("why-no-frame-of-reference")));
    }
}

/// Overlay planes and shutter of the frame that is drawn, and whether they are on.
fn cover_lines(source: &Source<'_>, lines: &mut Vec<Line>) {
    let words = source.language;
    let layers = source.picture.cover.iter().flat_map(|c| &c.layers);
    let (planes, shutters): (Vec<_>, Vec<_>) = layers.partition(|l| l.group.is_some());
    if !shutters.is_empty() {
        lines.push(if source.cover.shutter {
            Line::warn(words.word("badge-shutter"), "why-shutter")
        } else {
            Line::dim(words.word("badge-shutter-off")).about(About::Why("why-shutter"))
        });
    }
    if !planes.is_empty() && !source.cover.graphics {
        let line = Line::dim(words.word("badge-graphics-hidden"));
        lines.push(line.about(About::Why("why-graphics")));
        return;
    }
    for plane in planes {
        let [r, g, b] = codes(plane.color);
        // What people wrote into a label may name somebody.
        let name = match plane.group {
            Some(group) if source.hide_identity => format!("{group:04X}"),
            _ => plane.name.clone(),
        };
        let text = words.tr("badge-graphics", &[("name", name.as_str().into())]);
        let line = Line::badge(text, Color32::from_rgb(r, g, b));
        lines.push(line.about(About::Why("why-graphics")));
    }
}

/// A finding in the user's language; its own English sentence where the catalogue has none.
pub fn finding_text(words: Language, finding: &Finding) -> String {
    let numbers = finding.numbers.iter();
    let numbers = numbers.map(|(name, value)| (*name, (*value).into()));
    let terms = finding.terms.iter();
    let terms = terms.map(|(name, term)| (*name, term.as_str().into()));
    let args: Vec<(&str, crate::i18n::Value<'_>)> = numbers.chain(terms).collect();
    words
        .find(&finding.message_key(), &args)
        .unwrap_or_else(|| finding.sentence.clone())
}

/// Lossy compression with all ratios and the method (safety S5).
pub fn lossy_text(words: Language, lossy: &LossyCompression) -> String {
    if lossy.ratios.is_empty() {
        let key = if lossy.undeclared {
            "badge-lossy-undeclared"
        } else {
            "badge-lossy-unknown"
        };
        return words.word(key).to_owned();
    }
    let ratios = lossy
        .ratios
        .iter()
        .map(|r| short(*r))
        .collect::<Vec<_>>()
        .join(":1, ");
    let method = lossy.methods.join(", ");
    words.tr(
        "badge-lossy",
        &[
            ("ratio", ratios.as_str().into()),
            ("method", method.as_str().into()),
        ],
    )
}

/// A modality value with its unit.
pub fn value_text(value: f64, unit: &ModalityUnit) -> String {
    let label = unit.label();
    let number = if value.fract().abs() < 1e-6 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    };
    if label.is_empty() {
        number
    } else {
        format!("{number} {label}")
    }
}
