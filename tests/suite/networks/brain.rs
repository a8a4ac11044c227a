//! The MeshNet models of Brainchop, from the files that it ships.

use crate::support::data;
use negatoscope::ai::{
    import::{InputForm, UnitScaling, Wishes},
    networks::Architecture,
    registry::Registry,
};

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn all_models_of_brainchop_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Some(folder.path().join("models")));
    let wishes = Wishes {
        today: "2026-11-30".into(),
        ..Wishes::default()
    };
    for (name, id, parameters, classes, quantiles) in [
        ("model5_gw_ae", "brain-meshnet-tissue-5", 5598, 3, false),
        ("model11_gw_ae", "brain-meshnet-tissue-11", 23290, 3, false),
        ("model20chan3cls", "brain-meshnet-tissue-20", 87183, 3, true),
        (
            "model18cls",
            "brain-meshnet-subcortical-21",
            96408,
            18,
            false,
        ),
        (
            "model30chan18cls",
            "brain-meshnet-subcortical-30",
            196_038,
            18,
            false,
        ),
        (
            "model30chan50cls",
            "brain-meshnet-cortical-30",
            197_030,
            50,
            true,
        ),
        (
            "model21_104class",
            "brain-meshnet-cortical-21",
            86372,
            104,
            false,
        ),
        ("mindgrab", "brain-meshnet-mindgrab", 146_237, 2, false),
    ] {
        let card = registry
            .take_in(&data("brain-weights").join(name), &wishes)
            .unwrap();
        assert_eq!(card.id, id);
        assert_eq!(card.weights[0].file.parameters, parameters, "{name}");
        assert_eq!(card.output.labels.len(), classes);
        assert!(
            card.about.licence.starts_with("MIT License"),
            "{}",
            card.about.licence
        );
        let InputForm::Conformed { side, scaling, .. } = card.input else {
            panic!("{:?}", card.input);
        };
        assert_eq!(
            (side, scaling != UnitScaling::Range),
            (256, quantiles),
            "{name}"
        );
        let Architecture::Meshnet(config) = &card.network else {
            panic!("{:?}", card.network);
        };
        assert_eq!(config.normalised, name == "mindgrab");
    }
    let (models, broken) = registry.imported();
    assert_eq!((models.len(), broken.len()), (8, 0));
    assert!(
        models
            .iter()
            .all(|m| registry.load_imported(&m.card.id).unwrap().is_ok())
    );
}
