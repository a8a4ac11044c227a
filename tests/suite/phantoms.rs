//! The phantoms show what their truth says.

use glam::DVec3;
use negatoscope::{
    model::{identity::IdentityMatch, volume::Volume},
    phantom::{
        CtSpec, DemoSize, DemoSpec, Nodule, NoduleKind, Organ, PhantomError, RadiographSpec, Side,
        ct, demo, nodules, radiograph,
    },
    task::{CancelToken, Progress},
};
use serde_json::Value;
use std::collections::BTreeSet;

fn make(spec: &CtSpec) -> negatoscope::phantom::CtPhantom {
    ct(spec, &Progress::default(), &CancelToken::default()).unwrap()
}

fn hounsfield(volume: &Volume, point: DVec3) -> f64 {
    let voxel = volume
        .grid
        .voxel_from_patient()
        .unwrap()
        .transform_point3(point);
    let index = voxel.round();
    let value = volume.stored(index.x as usize, index.y as usize, index.z as usize);
    value.unwrap() - 1024.0
}

/// Volume of a nodule in mm³ by counting voxels at or above half way between it and the lung about it.
fn counted_volume(volume: &Volume, nodule: &Nodule) -> f64 {
    let centre = DVec3::from_array(nodule.centre_lps);
    let to_voxel = volume.grid.voxel_from_patient().unwrap();
    let reach = nodule.diameter_mm * 0.5 + 2.5;
    let (low, high) = (
        to_voxel.transform_point3(centre - reach).floor(),
        to_voxel.transform_point3(centre + reach).ceil(),
    );
    let half = (nodule.hounsfield - 868.0) * 0.5;
    let mut count = 0;
    for k in low.z as usize..=high.z as usize {
        for j in low.y as usize..=high.y as usize {
            for i in low.x as usize..=high.x as usize {
                let voxel = DVec3::new(i as f64, j as f64, k as f64);
                let point = volume.grid.patient_from_voxel.transform_point3(voxel);
                let value = volume.stored(i, j, k).unwrap() - 1024.0;
                count += usize::from(point.distance(centre) < reach && value >= half);
            }
        }
    }
    count as f64 * volume.grid.spacing_mm().iter().product::<f64>()
}

#[test]
fn nodules_have_the_place_value_and_size_of_the_truth() {
    for seed in [1, 2] {
        let quiet = CtSpec {
            seed,
            noise_hu: 0.0,
            labels: false,
            ..CtSpec::default()
        };
        let phantom = make(&quiet);
        assert_eq!(phantom.truth.nodules.len(), 5);
        for nodule in &phantom.truth.nodules {
            let centre = DVec3::from_array(nodule.centre_lps);
            // The voxel at the centre lies wholly within, so only rounding to whole units is left.
            let value = hounsfield(&phantom.volume, centre);
            assert!(
                (value - nodule.hounsfield).abs() <= 0.5,
                "{nodule:?} {value}"
            );
            // Counting at 1.4 × 1.4 × 2 mm finds the diameter to a few tenths of a millimetre.
            let volume = counted_volume(&phantom.volume, nodule);
            let diameter = (volume * 6.0 / std::f64::consts::PI).cbrt();
            let off = diameter - nodule.diameter_mm;
            assert!(
                off.abs() < 0.25 + 0.015 * nodule.diameter_mm,
                "{nodule:?} {off}"
            );
            assert_eq!(nodule.side == Side::Left, nodule.centre_lps[0] > 0.0);
        }
    }
    // With noise the same voxels lie within four standard deviations.
    let noisy = make(&CtSpec::default());
    for nodule in &noisy.truth.nodules {
        let value = hounsfield(&noisy.volume, DVec3::from_array(nodule.centre_lps));
        assert!((value - nodule.hounsfield).abs() < 48.0);
    }
}

#[test]
fn left_and_right_head_and_feet_can_be_told() {
    let phantom = make(&CtSpec::default());
    let organ = |wanted: Organ| {
        *phantom
            .truth
            .organs
            .iter()
            .find(|o| o.organ == wanted)
            .unwrap()
    };
    let (right, left) = (organ(Organ::RightLung), organ(Organ::LeftLung));
    assert!(right.centroid_lps[0] < -40.0 && left.centroid_lps[0] > 40.0);
    assert!(right.volume_ml > left.volume_ml * 1.05);
    // Lungs of an adult that breathed in hold two to seven litres together.
    assert!((2000.0..7000.0).contains(&(right.volume_ml + left.volume_ml)));
    assert!(organ(Organ::Liver).centroid_lps[0] < -20.0);
    assert!(organ(Organ::Liver).centroid_lps[2] < organ(Organ::Heart).centroid_lps[2]);
    for wanted in [Organ::Heart, Organ::Spleen, Organ::Stomach] {
        assert!(organ(wanted).centroid_lps[0] > 10.0, "{wanted:?}");
    }
    assert!(organ(Organ::Vertebra).centroid_lps[1] > organ(Organ::Sternum).centroid_lps[1]);
    // The labels are those of the voxels, and the values are those of the organs: means of many voxels have
    // little noise left.
    let [columns, rows, _] = phantom.volume.grid.size;
    let plane = columns * rows;
    let mut sums = std::collections::BTreeMap::<u8, (f64, f64)>::new();
    for (k, frame) in phantom.volume.frames.iter().enumerate() {
        let labels = &phantom.truth.labels[k * plane..(k + 1) * plane];
        for (value, label) in frame.values().zip(labels) {
            let sum = sums.entry(*label).or_default();
            *sum = (sum.0 + value - 1024.0, sum.1 + 1.0);
        }
    }
    let mean = |organ: Organ| {
        let (sum, count) = sums[&(organ as u8)];
        assert_eq!(
            count as u64,
            phantom
                .truth
                .organs
                .iter()
                .find(|o| o.organ == organ)
                .unwrap()
                .voxels
        );
        sum / count
    };
    // Edges hold a little of the neighbour, hence the ranges.
    for (wanted, low, high) in [
        (Organ::RightLung, -870.0, -780.0),
        (Organ::LeftLung, -870.0, -780.0),
        (Organ::Heart, 30.0, 50.0),
        (Organ::Aorta, 30.0, 60.0),
        (Organ::Liver, 50.0, 62.0),
        (Organ::Spleen, 40.0, 52.0),
        (Organ::Vertebra, 200.0, 500.0),
        (Organ::Rib, 300.0, 800.0),
    ] {
        let value = mean(wanted);
        assert!((low..high).contains(&value), "{wanted:?} {value}");
    }
    assert!(hounsfield(&phantom.volume, DVec3::new(0.0, -120.0, 0.0)) < -900.0);
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let spec = CtSpec {
        size: [96, 80, 24],
        spacing_mm: [4.0, 4.0, 12.0],
        ..CtSpec::default()
    };
    let bytes = |threads: usize, spec: CtSpec| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let phantom = pool.install(|| make(&spec));
        let pixels: Vec<u8> = phantom
            .volume
            .frames
            .iter()
            .flat_map(|f| f.pixels.as_slice().to_vec())
            .collect();
        (pixels, phantom.truth)
    };
    let one = bytes(1, spec);
    assert_eq!(one, bytes(3, spec));
    assert_ne!(one.0, bytes(1, CtSpec { seed: 2, ..spec }).0);
    assert_eq!(one.0.len(), 96 * 80 * 24 * 2);
    assert_eq!(one.1.labels.len(), 96 * 80 * 24);
    let film = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| make_film(&small_film()).frame.pixels.as_slice().to_vec())
    };
    assert_eq!(film(1), film(3));
}

fn small_film() -> RadiographSpec {
    RadiographSpec {
        columns: 216,
        rows: 216,
        pixel_mm: 2.0,
        ..RadiographSpec::default()
    }
}

fn make_film(spec: &RadiographSpec) -> negatoscope::phantom::Radiograph {
    radiograph(spec, &Progress::default(), &CancelToken::default()).unwrap()
}

#[test]
fn nodules_are_projected_to_where_the_truth_says() {
    for shift_mm in [[0.0, 0.0], [-7.0, 9.0]] {
        let spec = RadiographSpec {
            shift_mm,
            ..small_film()
        };
        let with = make_film(&spec);
        let without = make_film(&RadiographSpec {
            nodules: Some(Vec::new()),
            ..spec.clone()
        });
        assert_eq!(with.truth.nodules.len(), 5);
        for seen in &with.truth.nodules {
            if seen.nodule.kind == NoduleKind::GroundGlass || seen.nodule.diameter_mm < 10.0 {
                // Fainter than what the neighbours' halo adds.
                continue;
            }
            // Centre of what the nodule adds to the picture, within its own radius.
            let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
            let [column, row] = seen.column_row;
            let reach = seen.diameter_px * 0.5 + 1.5;
            for j in 0..216 {
                for i in 0..216 {
                    let (dx, dy) = (i as f64 - column, j as f64 - row);
                    if dx.hypot(dy) <= reach {
                        let more = with.frame.value(i, j, 0).unwrap()
                            - without.frame.value(i, j, 0).unwrap();
                        let more = more.max(0.0);
                        sum += more;
                        x += more * dx;
                        y += more * dy;
                    }
                }
            }
            // Brighter by a visible amount, and centred to half a pixel (1 mm at the detector).
            assert!(sum > 300.0, "{seen:?} {sum}");
            let (x, y) = (x / sum, y / sum);
            assert!(x.hypot(y) < 0.5, "{seen:?} off by {x} {y}");
        }
    }
}

#[test]
fn lung_fields_are_dark_and_lie_on_their_sides() {
    let film = make_film(&RadiographSpec {
        columns: 320,
        rows: 320,
        pixel_mm: 1.35,
        ..RadiographSpec::default()
    });
    let truth = &film.truth;
    let total = (320 * 320) as f64;
    let count = |mask: &[u8]| mask.iter().filter(|v| **v == 1).count() as f64;
    // On films of adults both fields take up 15 to 35 per cent of the picture.
    let share = count(&truth.lung_fields) / total;
    assert!((0.15..0.35).contains(&share), "{share}");
    assert!(count(&truth.lung_projection) > count(&truth.lung_fields) * 1.2);
    let (mut inside, mut outside, mut picture_left, mut picture_right) = (0.0, 0.0, 0.0, 0.0);
    for (i, value) in film.frame.values().enumerate() {
        let field = truth.lung_fields[i] == 1;
        assert!(!field || truth.lung_projection[i] == 1);
        let side = if i % 320 < 160 {
            &mut picture_left
        } else {
            &mut picture_right
        };
        *side += f64::from(u8::from(field));
        if field {
            inside += value;
        } else if truth.lung_projection[i] == 1 {
            outside += value;
        }
    }
    // The heart hides more of the patient's left lung, which is on the right of the picture.
    assert!(picture_left > picture_right * 1.1);
    inside /= count(&truth.lung_fields);
    outside /= count(&truth.lung_projection) - count(&truth.lung_fields);
    assert!(inside + 1000.0 < outside, "{inside} {outside}");
}

#[test]
fn a_cancelled_phantom_stops_and_a_senseless_one_is_refused() {
    let cancel = CancelToken::default();
    cancel.cancel();
    let progress = Progress::default();
    let spec = CtSpec::default();
    assert_eq!(
        ct(&spec, &progress, &cancel).unwrap_err(),
        PhantomError::Cancelled
    );
    assert_eq!(progress.get(), (0, 160));
    for size in [[0, 10, 10], [10, 10, 100_000], [8192, 8192, 8192]] {
        let result = ct(&CtSpec { size, ..spec }, &progress, &CancelToken::default());
        assert_eq!(result.unwrap_err(), PhantomError::Size);
    }
    let result = ct(
        &CtSpec {
            spacing_mm: [f64::NAN, 1.0, 1.0],
            ..spec
        },
        &progress,
        &CancelToken::default(),
    );
    assert_eq!(result.unwrap_err(), PhantomError::Size);
}

/// All values of `reference`, and all strings that are full URLs, of a Bundle.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if let ("reference", Some(text)) = (key.as_str(), value.as_str()) {
                    found.push(text);
                }
                references(value, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

fn check_bundle(bundle: &Value) {
    assert_eq!(bundle["resourceType"], "Bundle");
    assert_eq!(bundle["type"], "transaction");
    let entries = bundle["entry"].as_array().unwrap();
    let mut urls = BTreeSet::new();
    for entry in entries {
        assert!(urls.insert(entry["fullUrl"].as_str().unwrap()), "{entry}");
        assert_eq!(entry["request"]["url"], entry["resource"]["resourceType"]);
        assert_eq!(entry["resource"]["meta"]["security"][0]["code"], "HTEST");
        assert_eq!(entry["resource"]["meta"]["tag"][0]["code"], "SYNTHETIC");
    }
    let mut found = Vec::new();
    references(bundle, &mut found);
    assert!(found.len() + 1 >= entries.len());
    for reference in found {
        assert!(urls.contains(reference), "{reference} leads nowhere");
    }
}

#[test]
fn the_demo_fits_together() {
    let spec = DemoSpec {
        size: DemoSize::Small,
        ..DemoSpec::default()
    };
    let progress = Progress::default();
    let demo = demo(&spec, &progress, &CancelToken::default()).unwrap();
    assert_eq!(progress.fraction(), Some(1.0));
    check_bundle(&demo.record);
    check_bundle(&demo.near_miss_record);

    // One person in images and record; the near miss has the same number and is somebody else.
    assert!(demo.identity.synthetic);
    assert_eq!(
        demo.identity.compare(&demo.near_miss),
        IdentityMatch::Different
    );
    assert_eq!(demo.identity.id, demo.near_miss.id);
    let resources = |kind: &str| -> Vec<&Value> {
        demo.record["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| &e["resource"])
            .filter(|r| r["resourceType"] == kind)
            .collect()
    };
    let patient = resources("Patient")[0];
    assert_eq!(
        patient["identifier"][0]["value"],
        *demo.identity.id.reveal().as_str()
    );
    assert_eq!(
        patient["birthDate"],
        demo.identity.birth_date.reveal().unwrap().to_string()
    );
    assert_eq!(patient["name"][0]["family"], "SYNTHETIC");
    assert_eq!(patient["name"][1]["text"], "合成明");
    let other = &demo.near_miss_record["entry"][0]["resource"];
    assert_eq!(
        other["identifier"][0]["value"],
        patient["identifier"][0]["value"]
    );
    assert_ne!(other["birthDate"], patient["birthDate"]);

    // The ImagingStudy resources carry the identifiers of the images.
    let mut of_images = vec![demo.ct.study.study.uid.clone()];
    of_images.extend(demo.radiographs.iter().map(|r| r.study.study.uid.clone()));
    let of_record: Vec<String> = resources("ImagingStudy")
        .iter()
        .map(|s| {
            let value = s["identifier"][0]["value"].as_str().unwrap();
            value.strip_prefix("urn:oid:").unwrap().to_owned()
        })
        .collect();
    assert_eq!(of_record, of_images);
    assert_eq!(of_images.iter().collect::<BTreeSet<_>>().len(), 3);

    // What a contrast check needs.
    let text = demo.record.to_string();
    for needed in [
        "V08AB02", "A10BA02", "98979-8", "14682-9", "1988-5", "718-7", "14749-6",
    ] {
        assert!(text.contains(needed), "{needed}");
    }
    let rates: Vec<f64> = resources("Observation")
        .iter()
        .filter(|o| o["code"]["coding"][0]["code"] == "98979-8")
        .map(|o| o["valueQuantity"]["value"].as_f64().unwrap())
        .collect();
    assert!(
        rates.len() == 6 && rates.windows(2).all(|w| w[1] <= w[0]),
        "{rates:?}"
    );

    // The prior is two years older, one nodule is smaller, one is not there.
    let days: Vec<_> = demo
        .radiographs
        .iter()
        .map(|r| r.study.study.date.unwrap().year)
        .collect();
    assert_eq!(days, [2026, 2024]);
    let [now, before] = [0, 1].map(|i| &demo.radiographs[i].radiograph.truth.nodules);
    assert_eq!((now.len(), before.len()), (5, 4));
    assert!(before[0].diameter_px < now[0].diameter_px * 0.65);
    assert_eq!(
        now.iter().map(|p| p.nodule).collect::<Vec<_>>(),
        nodules(spec.seed)
    );
    assert_eq!(demo.truth["ct"]["nodules"].as_array().unwrap().len(), 5);
    assert_eq!(
        demo.ct.study.instance_uids.len(),
        demo.ct.phantom.volume.frames.len()
    );
    // The truth file names nobody.
    let truth = demo.truth.to_string();
    assert!(!truth.contains("SYNTHETIC^") && !truth.contains(demo.identity.id.reveal().as_str()));
}
