//! Key images as a Key Object Selection Document (TID 2010).

use super::{
    Head, Making, codes, evidence, notice, reference, report,
    tree::{self, CONTAINS, MODIFIER},
};
use crate::{
    dicom::write::elements::Elements,
    model::{
        annotation::AnnotationTarget,
        exchange::{MadeObject, NotSent, NotSentReason, Sent, SourceObject, Sources},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Key Object Selection Document Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.88.59";

/// Makes a selection for each study with key images.
pub fn write_key_objects(keys: &[AnnotationTarget], sources: &Sources, making: &Making) -> Sent {
    let mut sent = Sent::default();
    // By study, then by object in the order in which they were chosen, with the frames.
    let mut studies: BTreeMap<&str, Vec<(&SourceObject, BTreeSet<u32>)>> = BTreeMap::new();
    for key in keys {
        let Some(source) = sources.get(&key.instance_uid) else {
            sent.left.push(NotSent {
                id: key.instance_uid.clone(),
                reason: NotSentReason::NoImage,
            });
            continue;
        };
        let list = studies.entry(&source.instance.study.uid).or_default();
        let same = |(s, _): &&mut (&SourceObject, _)| {
            s.instance.sop_instance_uid == source.instance.sop_instance_uid
        };
        match list.iter_mut().find(same) {
            Some((_, frames)) => {
                frames.insert(key.frame);
            }
            None => list.push((source, BTreeSet::from([key.frame]))),
        }
    }
    for (study, keys) in studies {
        if let Some((source, _)) = keys.first() {
            sent.objects.push(document(study, source, &keys, making));
        }
    }
    sent
}

fn document(
    study: &str,
    source: &SourceObject,
    keys: &[(&SourceObject, BTreeSet<u32>)],
    making: &Making,
) -> MadeObject {
    let head = Head {
        class: CLASS,
        modality: "KO",
        series_number: 9103,
        description: "Key images, not for diagnostic use",
        instance_uid: making.uid(&["key objects", study]),
        series_uid: making.uid(&["key objects series", study]),
    };
    let mut e = head.elements(source, making);
    e.text(0x0008, 0x0023, b"DA", &making.date);
    e.text(0x0008, 0x0033, b"TM", &making.time);
    e.items(0x0008, 0x1111, &[]);
    e.items(0x0040, 0xA375, &evidence(keys.iter().map(|(s, _)| *s)));
    e.text(0x0040, 0xA040, b"CS", "CONTAINER");
    let title = tree::owned(codes::OF_INTEREST);
    e.items(0x0040, 0xA043, &[tree::code_item(&title)]);
    tree::contain(&mut e, "2010");
    let english = tree::owned(codes::ENGLISH);
    let mut items: Vec<Elements> = vec![tree::code(MODIFIER, codes::LANGUAGE, &english)];
    items.extend(report::observers(making));
    let text = notice("Key images of a viewer");
    items.push(tree::text(CONTAINS, codes::KEY_DESCRIPTION, &text));
    for (source, frames) in keys {
        let frames: Vec<u32> = frames.iter().copied().collect();
        for some in frames.chunks(codes::FRAMES_A_REFERENCE) {
            items.push(tree::image(CONTAINS, None, &reference(source, some)));
        }
    }
    e.items(0x0040, 0xA730, &items);
    MadeObject {
        kind: "ko",
        instance_uid: head.instance_uid.clone(),
        study_uid: study.to_owned(),
        count: keys.iter().map(|(_, frames)| frames.len()).sum(),
        bytes: head.file(&e),
    }
}
