//! Five hundred random measurements through the `measure` command, on files with a known truth: isotropic, pixels of 1:2,
//! oblique, calibrated, magnified. What is expected is calculated here, by other formulas than the program's.

mod window;

use crate::{bad_input::build::Slice, support::program};
use glam::{DQuat, DVec2, DVec3};
use serde_json::{Value, json};
use std::{f64::consts::PI, path::Path};

const COLUMNS: usize = 56;
const ROWS: usize = 48;
const SLICES: usize = 12;

/// Deterministic numbers from 0 to 1.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

/// The stored value of a voxel: no two neighbours are alike.
fn stored(i: usize, j: usize, k: usize) -> i16 {
    ((i * 131 + j * 57 + k * 911 + i * j * 7) % 4001) as i16 - 900
}

/// A phantom: where its pixels lie, and what one of them measures.
struct Phantom {
    name: &'static str,
    /// Millimetres between columns, between rows, between slices.
    step: DVec3,
    /// Directions of rows, columns and slices; `None` for a projection, which is measured in pixels.
    axes: Option<DQuat>,
    intercept: f64,
    source: &'static str,
    slices: usize,
}

const ORIGIN: DVec3 = DVec3::new(-31.25, 12.5, 107.75);

impl Phantom {
    fn write(&self, folder: &Path) {
        for k in 0..self.slices {
            let values: Vec<u8> = (0..ROWS)
                .flat_map(|j| (0..COLUMNS).map(move |i| (i, j)))
                .flat_map(|(i, j)| stored(i, j, k).to_le_bytes())
                .collect();
            let mut slice = Slice {
                uid: format!("1.2.3.{k}"),
                number: k as i32 + 1,
                rows: ROWS as u16,
                columns: COLUMNS as u16,
                spacing: None,
                position: None,
                rescale: Some(("-1024", "1")),
                ..Slice::default()
            }
            .native(&values);
            let spacing = format!("{}\\{}", self.step.y, self.step.x);
            match self.axes {
                Some(turn) => {
                    let (row, column) = (turn * DVec3::X, turn * DVec3::Y);
                    slice.orientation = [row.x, row.y, row.z, column.x, column.y, column.z];
                    slice.position =
                        Some((ORIGIN + turn * DVec3::Z * (self.step.z * k as f64)).to_array());
                    slice.spacing = Some(spacing);
                }
                None if self.name == "magnified" => {
                    // At the detector; the object lies nearer to the source.
                    let at_detector = self.step * 1.25;
                    slice = slice
                        .text(8, 0x60, b"CS", "MG")
                        .text(0x18, 0x1114, b"DS", "1.25")
                        .text(
                            0x18,
                            0x1164,
                            b"DS",
                            &format!("{}\\{}", at_detector.y, at_detector.x),
                        );
                }
                None => {
                    slice = slice
                        .text(8, 0x60, b"CS", "DX")
                        .text(0x18, 0x1164, b"DS", "0.4\\0.4")
                        .text(0x28, 0x30, b"DS", &spacing);
                }
            }
            slice.write(folder, &format!("{}.dcm", (k * 7) % 13));
        }
    }

    fn patient(&self, p: DVec2, k: usize) -> DVec3 {
        let turn = self.axes.unwrap_or(DQuat::IDENTITY);
        ORIGIN + turn * (self.step * DVec3::new(p.x, p.y, k as f64))
    }

    /// Points of a frame as the list wants them.
    fn points(&self, points: &[DVec2], k: usize) -> Value {
        match self.axes {
            Some(_) => {
                let list = points.iter().map(|p| self.patient(*p, k).to_array());
                json!({"space": "patient", "points": list.collect::<Vec<_>>()})
            }
            None => {
                let list = points.iter().map(|p| p.to_array());
                json!({"space": "pixel", "image": 1, "points": list.collect::<Vec<_>>()})
            }
        }
    }

    /// Millimetres within the frame.
    fn mm(&self, p: DVec2) -> DVec2 {
        p * self.step.truncate()
    }
}

/// What is expected of an entry.
#[derive(Default)]
struct Truth {
    quantities: Vec<(&'static str, f64, f64)>,
    /// Stored values of the pixels inside.
    inside: Option<Vec<f64>>,
}

/// Pixel centres of a frame for which `holds` is true.
fn pixels(k: usize, holds: impl Fn(DVec2) -> bool) -> Vec<f64> {
    let mut found = Vec::new();
    for j in 0..ROWS {
        for i in 0..COLUMNS {
            if holds(DVec2::new(i as f64, j as f64)) {
                found.push(f64::from(stored(i, j, k)));
            }
        }
    }
    found
}

/// Even-odd rule: crossings of a ray along the row.
fn in_polygon(points: &[DVec2], p: DVec2) -> bool {
    let mut inside = false;
    for (n, a) in points.iter().enumerate() {
        let b = points[(n + 1) % points.len()];
        if (a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x) {
            inside = !inside;
        }
    }
    inside
}

fn entry(phantom: &Phantom, numbers: &mut Numbers, number: usize) -> (Value, Truth) {
    let k = (numbers.next() * phantom.slices as f64) as usize;
    let mut place = |margin: f64| {
        let (right, bottom) = (COLUMNS as f64 - 1.0, ROWS as f64 - 1.0);
        DVec2::new(
            numbers.between(margin, right - margin),
            numbers.between(margin, bottom - margin),
        )
    };
    // Relative for lengths and areas, absolute for angles.
    let (part, degrees) = (1e-3, 0.05);
    let (kind, points, truth) = match number % 10 {
        0..3 => {
            let [a, b] = [place(0.0), place(0.0)];
            let length = phantom.mm(a).distance(phantom.mm(b));
            let quantities = vec![("length", length, part * length)];
            (
                "length",
                vec![a, b],
                Truth {
                    quantities,
                    inside: None,
                },
            )
        }
        3..5 => {
            let [a, vertex, b] = [place(0.0), place(0.0), place(0.0)];
            let arm = |p: DVec2| phantom.mm(p) - phantom.mm(vertex);
            // By the law of cosines.
            let (u, v, w) = (arm(a).length(), arm(b).length(), (arm(a) - arm(b)).length());
            let angle = ((u * u + v * v - w * w) / (2.0 * u * v))
                .clamp(-1.0, 1.0)
                .acos();
            let quantities = vec![("angle", angle.to_degrees(), degrees)];
            (
                "angle",
                vec![a, vertex, b],
                Truth {
                    quantities,
                    inside: None,
                },
            )
        }
        5..7 => {
            let [a, c] = [place(0.0), place(0.0)];
            let corners = vec![a, DVec2::new(c.x, a.y), c];
            let sides = (phantom.mm(c) - phantom.mm(a)).abs();
            let (low, high) = (a.min(c), a.max(c));
            let inside = pixels(k, |p| p.cmpge(low).all() && p.cmple(high).all());
            let area = sides.x * sides.y;
            let quantities = vec![("area", area, part * area)];
            (
                "rectangle",
                corners,
                Truth {
                    quantities,
                    inside: Some(inside),
                },
            )
        }
        7 | 8 => {
            let centre = place(12.0);
            let radii = DVec2::new(
                3.0 + 8.0 * place(0.0).x / 56.0,
                3.0 + 8.0 * place(0.0).y / 48.0,
            );
            let ends = vec![
                centre,
                centre + DVec2::new(radii.x, 0.0),
                centre + DVec2::new(0.0, radii.y),
            ];
            let inside = pixels(k, |p| ((p - centre) / radii).length_squared() <= 1.0);
            let semi = phantom.mm(radii);
            let area = PI * semi.x * semi.y;
            let quantities = vec![("area", area, part * area)];
            (
                "ellipse",
                ends,
                Truth {
                    quantities,
                    inside: Some(inside),
                },
            )
        }
        _ => {
            // A star about a centre, so that it does not cross itself.
            let centre = place(14.0);
            let corners: Vec<DVec2> = (0..7)
                .map(|n| {
                    let angle = (f64::from(n) + 0.8 * place(0.0).x / 56.0) / 7.0 * 2.0 * PI;
                    centre + DVec2::from_angle(angle) * (4.0 + 9.0 * place(0.0).y / 48.0)
                })
                .collect();
            let mm: Vec<DVec2> = corners.iter().map(|p| phantom.mm(*p)).collect();
            let twice: f64 = (0..7).map(|n| mm[n].perp_dot(mm[(n + 1) % 7])).sum();
            let area = 0.5 * twice.abs();
            let inside = pixels(k, |p| in_polygon(&corners, p));
            let quantities = vec![("area", area, part * area)];
            (
                "polygon",
                corners,
                Truth {
                    quantities,
                    inside: Some(inside),
                },
            )
        }
    };
    let mut entry = phantom.points(&points, k);
    entry["type"] = json!(kind);
    entry["id"] = json!(number.to_string());
    (entry, truth)
}

fn check(phantom: &Phantom, truth: &Truth, answer: &Value) {
    let value = |name: &str| {
        let found = &answer["quantities"][name]["value"];
        found
            .as_f64()
            .unwrap_or_else(|| panic!("{}: no {name}: {answer}", phantom.name))
    };
    for (name, expected, tolerance) in &truth.quantities {
        let found = value(name);
        assert!(
            (found - expected).abs() <= *tolerance,
            "{}: {name} {found}, expected {expected}: {answer}",
            phantom.name
        );
        if *name != "angle" {
            let unit = if *name == "area" { "mm²" } else { "mm" };
            let quantity = &answer["quantities"][name];
            assert_eq!(quantity["unit"], unit, "{answer}");
            assert_eq!(quantity["source"], phantom.source, "{answer}");
        }
    }
    let Some(inside) = &truth.inside else { return };
    let n = inside.len() as f64;
    assert_eq!(answer["n"].as_f64(), Some(n), "{}: {answer}", phantom.name);
    if inside.len() < 2 {
        return;
    }
    let values: Vec<f64> = inside.iter().map(|v| v + phantom.intercept).collect();
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let near = |name: &str, expected: f64| {
        let found = value(name);
        let bound = 1e-6 * expected.abs().max(1.0);
        assert!(
            (found - expected).abs() <= bound,
            "{name} {found} {expected}"
        );
    };
    near("mean", mean);
    near("sd_sample", (squares / (n - 1.0)).sqrt());
    near("sd_population", (squares / n).sqrt());
    assert_eq!(
        value("min"),
        values.iter().copied().fold(f64::INFINITY, f64::min)
    );
    assert_eq!(
        value("max"),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    );
}

#[test]
fn five_hundred_measurements_are_what_they_should_be() {
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
        slices: 1,
    };
    let phantoms = [
        volume("isotropic", DVec3::splat(0.75), DQuat::IDENTITY),
        volume("1:2", DVec3::new(0.5, 1.0, 1.5), DQuat::IDENTITY),
        volume("oblique", DVec3::new(0.7, 0.9, 2.5), oblique),
        film("calibrated", DVec3::new(0.35, 0.35, 1.0), "mm (calibrated)"),
        film(
            "magnified",
            DVec3::new(0.08, 0.08, 1.0),
            "mm (magnification 1.25)",
        ),
    ];
    let mut numbers = Numbers(17);
    let mut measured = 0;
    for phantom in phantoms {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        std::fs::create_dir(&images).unwrap();
        phantom.write(&images);
        let (entries, truths): (Vec<Value>, Vec<Truth>) =
            (0..100).map(|n| entry(&phantom, &mut numbers, n)).unzip();
        let spec = folder.path().join("spec.json");
        std::fs::write(&spec, json!({"measurements": entries}).to_string()).unwrap();
        let text = program(&[
            "measure",
            "--json",
            images.to_str().unwrap(),
            "--spec",
            spec.to_str().unwrap(),
        ]);
        let report: Value = serde_json::from_str(&text).unwrap();
        let answers = report["measurements"].as_array().unwrap();
        assert_eq!(answers.len(), truths.len());
        for (answer, truth) in answers.iter().zip(&truths) {
            check(&phantom, truth, answer);
            measured += 1;
        }
    }
    assert_eq!(measured, 500);
}

/// Spheres and boxes hold the voxels whose centres they hold, whatever way the volume lies.
#[test]
fn volumes_are_counted_voxel_by_voxel() {
    let turn = DQuat::from_xyzw(-0.2, 0.5, 0.1, 0.7).normalize();
    let phantom = Phantom {
        name: "volume",
        step: DVec3::new(0.8, 0.6, 1.9),
        axes: Some(turn),
        intercept: -1024.0,
        source: "",
        slices: SLICES,
    };
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    phantom.write(&images);
    let mut numbers = Numbers(5);
    let mut entries = Vec::new();
    let mut truths = Vec::new();
    for n in 0..40 {
        let centre = phantom.patient(
            DVec2::new(numbers.between(8.0, 46.0), numbers.between(8.0, 38.0)),
            0,
        ) + turn * DVec3::Z * numbers.between(2.0, 18.0);
        let radius = numbers.between(2.0, 12.0);
        entries.push(json!({"id": n.to_string(), "type": "sphere", "points": [centre.to_array()], "radius_mm": radius}));
        let mut inside = Vec::new();
        for k in 0..SLICES {
            for j in 0..ROWS {
                for i in 0..COLUMNS {
                    let p = phantom.patient(DVec2::new(i as f64, j as f64), k);
                    if p.distance(centre) <= radius {
                        inside.push(f64::from(stored(i, j, k)) - 1024.0);
                    }
                }
            }
        }
        truths.push(inside);
    }
    let spec = folder.path().join("spec.json");
    std::fs::write(&spec, json!({"measurements": entries}).to_string()).unwrap();
    let text = program(&[
        "measure",
        "--json",
        images.to_str().unwrap(),
        "--spec",
        spec.to_str().unwrap(),
    ]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let voxel = phantom.step.x * phantom.step.y * phantom.step.z;
    for (answer, inside) in report["measurements"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&truths)
    {
        let quantity = |name: &str| answer["quantities"][name]["value"].as_f64().unwrap();
        assert_eq!(answer["n"], inside.len(), "{answer}");
        let expected = inside.len() as f64 * voxel;
        assert!(
            (quantity("volume") / expected - 1.0).abs() < 1e-6,
            "{answer}"
        );
        let mean = inside.iter().sum::<f64>() / inside.len() as f64;
        assert!((quantity("mean") - mean).abs() < 1e-6 * mean.abs().max(1.0));
    }
}
