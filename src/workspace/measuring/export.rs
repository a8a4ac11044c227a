//! Marks and their numbers as a table or as JSON, the same from the window and from the command line.
//!
//! Must stay true: units and calibration sources go along with every number, a label keeps its code, and what could
//! not be measured is said and not left out. Points are written so that they are read back bit by bit.

use super::Found;
use crate::{
    imaging::measure::{MarkMeasure, Measurement, ValuesState},
    model::{
        annotation::{Annotation, Author, PointSpace},
        finding::Finding,
    },
};
use serde_json::{Map, Value, json};

/// A form of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkFormat {
    /// Comma-separated values, a line for each number (RFC 4180).
    Csv,
    /// One JSON value.
    Json,
}

impl MarkFormat {
    /// Ending of the file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// A mark and what is known of its numbers.
pub type Row<'a> = (&'a Annotation, Option<&'a Found>);

/// The text of a file.
pub fn write(rows: &[Row<'_>], format: MarkFormat) -> String {
    match format {
        MarkFormat::Csv => csv(rows),
        MarkFormat::Json => {
            let marks: Vec<Value> = rows.iter().map(|row| mark_json(*row)).collect();
            let mut text = format!("{:#}", json!({ "marks": marks }));
            text.push('\n');
            text
        }
    }
}

/// Columns of the table.
const COLUMNS: [&str; 24] = [
    "mark", "study", "series", "instance", "frame", "type", "label", "code", "scheme", "meaning",
    "group", "locked", "hidden", "author", "model", "created", "quantity", "value", "unit",
    "source", "n", "padding", "outside", "remark",
];

fn csv(rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    line(&mut text, COLUMNS.map(str::to_owned));
    for (mark, found) in rows {
        let [author, model] = match &mark.author {
            Author::Person(name) | Author::Foreign(name) => [name.clone(), String::new()],
            Author::Model { id, version } => [String::new(), format!("{id} {version}")],
        };
        let code = mark.code.clone().unwrap_or_default();
        let target = &mark.target;
        let head = [
            mark.id.0.clone(),
            target.study_uid.clone(),
            target.series_uid.clone(),
            target.instance_uid.clone(),
            target.frame.to_string(),
            mark.shape.kind.name().to_owned(),
            mark.label.clone(),
            code.value,
            code.scheme,
            code.meaning,
            mark.group.clone(),
            mark.locked.to_string(),
            mark.hidden.to_string(),
            author,
            model,
            time(mark.created_ms),
        ];
        let measure = found.and_then(|f| f.as_ref().ok());
        let remark = remark(*found);
        let counts = measure.and_then(|m| m.measurement.counts);
        let counted = |pick: fn(&crate::imaging::measure::Counts) -> u64| {
            counts
                .as_ref()
                .map_or(String::new(), |c| pick(c).to_string())
        };
        let tail = [
            counted(|c| c.n),
            counted(|c| c.padding),
            counted(|c| c.outside),
            remark,
        ];
        let quantities = measure.map_or(&[][..], |m| &m.measurement.quantities);
        if quantities.is_empty() {
            let none = [const { String::new() }; 4];
            line(&mut text, head.iter().chain(&none).chain(&tail).cloned());
        }
        for quantity in quantities {
            let value = quantity.value.map_or(String::new(), |v| format!("{v:?}"));
            let number = [
                quantity.name.clone(),
                value,
                quantity.unit.clone(),
                quantity.source.clone(),
            ];
            line(&mut text, head.iter().chain(&number).chain(&tail).cloned());
        }
    }
    text
}

/// What needs care, or why there is no number.
fn remark(found: Option<&Found>) -> String {
    match found {
        None => "NOT_OPEN".into(),
        Some(Err(error)) => error.code().into(),
        Some(Ok(measure)) => {
            let mut codes: Vec<&str> = Vec::new();
            match &measure.values {
                ValuesState::Refused(error) => codes.push(error.code()),
                ValuesState::Waiting => codes.push("SLICE_MISSING"),
                ValuesState::None | ValuesState::Here => {}
            }
            codes.extend(measure.suv_refused.iter().map(|r| r.code()));
            codes.extend(measure.measurement.warnings.iter().map(|w| w.code));
            codes.join(" ")
        }
    }
}

/// One record; fields with commas, quotes or line ends stand in quotes.
fn line(text: &mut String, fields: impl IntoIterator<Item = String>) {
    for (i, field) in fields.into_iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        // A text that a spreadsheet would take for a formula begins with a quote mark there; a number does not.
        let formula =
            field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err();
        let field = match formula {
            true => format!("'{field}"),
            false => field,
        };
        if field.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&field);
        }
    }
    text.push_str("\r\n");
}

fn mark_json((mark, found): Row<'_>) -> Value {
    let target = &mark.target;
    let points: Vec<Value> = mark
        .shape
        .points
        .iter()
        .map(|p| match mark.space {
            PointSpace::Patient => json!([p.x, p.y, p.z]),
            PointSpace::Pixel => json!([p.x, p.y]),
        })
        .collect();
    let author = match &mark.author {
        Author::Person(name) => json!({"person": name}),
        Author::Model { id, version } => json!({"model": id, "version": version}),
        Author::Foreign(name) => json!({"foreign": name}),
    };
    let code = mark
        .code
        .as_ref()
        .map(|code| json!({"value": code.value, "scheme": code.scheme, "meaning": code.meaning}));
    let mut out = json!({
        "id": mark.id.0,
        "study_instance_uid": target.study_uid,
        "series_instance_uid": target.series_uid,
        "sop_instance_uid": target.instance_uid,
        "frame": target.frame,
        "frame_of_reference_uid": target.frame_of_reference_uid,
        "type": mark.shape.kind.name(),
        "space": match mark.space { PointSpace::Patient => "patient", PointSpace::Pixel => "pixel" },
        "points": points,
        "label": mark.label,
        "code": code,
        "group": mark.group,
        "locked": mark.locked,
        "hidden": mark.hidden,
        "author": author,
        "created": time(mark.created_ms),
    });
    if let Some(map) = out.as_object_mut() {
        match found {
            None => {
                map.insert("not_measured".into(), json!("NOT_OPEN"));
            }
            Some(Err(error)) => {
                let refused = json!({"code": error.code(), "sentence": error.to_string()});
                map.insert("refused".into(), refused);
            }
            Some(Ok(measure)) => measured(measure, map),
        }
    }
    out
}

fn measured(measure: &MarkMeasure, map: &mut Map<String, Value>) {
    match &measure.values {
        ValuesState::Refused(error) => {
            let refused = json!({"code": error.code(), "sentence": error.to_string()});
            map.insert("statistics_refused".into(), refused);
        }
        ValuesState::Waiting => {
            map.insert(
                "statistics_refused".into(),
                json!({"code": "SLICE_MISSING"}),
            );
        }
        ValuesState::None | ValuesState::Here => {}
    }
    if let Some(refusal) = &measure.suv_refused {
        let names: Vec<&str> = refusal.attributes.iter().map(|a| a.name()).collect();
        let refused = json!({
            "code": refusal.code(), "attributes": names, "sentence": refusal.sentence,
        });
        map.insert("suv_refused".into(), refused);
    }
    let Measurement {
        quantities,
        counts,
        histograms,
        warnings,
        ..
    } = &measure.measurement;
    let numbers: Map<String, Value> = quantities
        .iter()
        .map(|q| {
            let value = json!({"value": q.value, "unit": q.unit, "source": q.source});
            (q.name.clone(), value)
        })
        .collect();
    map.insert("quantities".into(), Value::Object(numbers));
    if let Some(counts) = counts {
        map.insert("n".into(), json!(counts.n));
        let counts = json!({
            "inside": counts.inside, "padding": counts.padding,
            "not_finite": counts.not_finite, "outside": counts.outside,
        });
        map.insert("counts".into(), counts);
    }
    if !histograms.is_empty() {
        let bars: Vec<Value> = histograms
            .iter()
            .map(|h| json!({"low": h.low, "high": h.high, "counts": h.counts}))
            .collect();
        map.insert("histograms".into(), Value::Array(bars));
    }
    let said = |w: &Finding| json!({"code": w.code, "sentence": w.sentence});
    map.insert("warnings".into(), warnings.iter().map(said).collect());
}

/// Milliseconds since 1970 as ISO 8601 in UTC; nothing for an unknown time.
pub fn time(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms)
        .ok()
        .filter(|_| ms > 0);
    time.map_or_else(String::new, |time| {
        let seconds = time.strftime("%Y-%m-%dT%H:%M:%S");
        format!("{seconds}.{:03}Z", ms % 1000)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::annotation::{AnnotationId, AnnotationTarget, Code, MarkKind, Shape};
    use glam::DVec3;

    fn mark() -> Annotation {
        let target = AnnotationTarget {
            study_uid: "1.2".into(),
            series_uid: "1.2.3".into(),
            instance_uid: "1.2.3.4".into(),
            frame: 2,
            frame_of_reference_uid: "1.9".into(),
        };
        let points = vec![DVec3::new(0.1, 1.0 / 3.0, -2.0), DVec3::ZERO];
        let shape = Shape::new(MarkKind::Length, points);
        let id = AnnotationId("m".into());
        let mut mark = Annotation::new(id, target, PointSpace::Patient, shape);
        mark.label = "left, \"upper\"\nlobe".into();
        mark.group = "=cmd()".into();
        mark.code = Some(Code {
            value: "27925004".into(),
            scheme: "SCT".into(),
            meaning: "Nodule".into(),
        });
        mark.created_ms = 1_456_747_200_123;
        mark
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, expected) in [
            (0, ""),
            (1, "1970-01-01T00:00:00.001Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_456_747_200_123, "2016-02-29T12:00:00.123Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(time(ms), expected);
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_meant() {
        let mark = mark();
        let text = write(&[(&mark, None)], MarkFormat::Csv);
        let (head, row) = text.split_once("\r\n").unwrap();
        assert_eq!(head.split(',').count(), COLUMNS.len());
        assert!(row.contains("\"left, \"\"upper\"\"\nlobe\",27925004,SCT,Nodule,'=cmd(),false"));
        assert!(row.ends_with(",NOT_OPEN\r\n"), "{row}");
    }

    #[test]
    fn json_gives_the_points_back_bit_by_bit() {
        let mark = mark();
        let text = write(&[(&mark, None)], MarkFormat::Json);
        let value: Value = serde_json::from_str(&text).unwrap();
        let found = &value["marks"][0];
        assert_eq!(found["points"][0][1].as_f64(), Some(1.0 / 3.0));
        assert_eq!(found["points"][0][0].as_f64(), Some(0.1));
        assert_eq!(found["code"]["scheme"], "SCT");
        assert_eq!(found["created"], "2016-02-29T12:00:00.123Z");
        assert_eq!(found["frame"], 2);
    }
}
