//! The studies that are read, and what is true of them.

use crate::support::data;
use std::path::PathBuf;

/// What the window must be after its key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// A preset of the table, or one of the file: width and centre.
    Is(f64, f64),
    /// From the darkest to the brightest thousandth of what is not padding.
    Auto,
    /// A table of the file, by its name.
    Table(&'static str),
}

/// A study, where its finding lies, and what must come out.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub name: &'static str,
    /// Files below the folder of its data.
    pub path: &'static str,
    pub modality: &'static str,
    /// What is looked for, and the list that is read on.
    pub find: &'static str,
    pub list: &'static str,
    /// Notches of the wheel; negative goes on. And the image that is then shown.
    pub scroll: &'static str,
    pub image: u64,
    pub key: &'static str,
    pub window: Window,
    /// The view that the finding is in, counted from 1, and column and row of both its ends.
    pub view: usize,
    pub ends: [[f64; 2]; 2],
    /// Size of a pixel with its unit, and where it comes from, as marks say it.
    pub pixel: f64,
    pub unit: &'static str,
    pub source: &'static str,
    /// The word of the label and its code.
    pub label: &'static str,
    pub code: &'static str,
    /// Days that the prior is older.
    pub prior: Option<i64>,
    /// Views with the study that is read, and with its prior, while both hang.
    pub views: (usize, usize),
}

/// Made studies: today's and those of before, for all five.
pub const MADE: [Reading; 5] = [
    Reading {
        name: "cr",
        path: "cr-now",
        modality: "CR",
        find: "modality:CR status:new",
        list: "status:new",
        scroll: "0",
        image: 1,
        key: "2",
        window: Window::Is(3072.0, 1843.2),
        view: 1,
        ends: [[151.0, 160.0], [179.0, 160.0]],
        pixel: 0.84,
        unit: "mm",
        source: "mm at detector (not corrected)",
        label: "nodule",
        code: "27925004",
        prior: Some(560),
        views: (1, 1),
    },
    Reading {
        name: "ct",
        path: "ct-now",
        modality: "CT",
        find: "modality:CT status:new",
        list: "status:new",
        scroll: "-46",
        image: 47,
        key: "2",
        window: Window::Is(1500.0, -600.0),
        view: 1,
        ends: [[64.4, 112.0], [77.2, 112.0]],
        pixel: 1.9,
        unit: "mm",
        source: "mm (Pixel Spacing)",
        label: "nodule",
        code: "27925004",
        prior: Some(279),
        views: (1, 1),
    },
    Reading {
        name: "mr",
        path: "mr-now",
        modality: "MR",
        find: "modality:MR status:new",
        list: "status:new",
        scroll: "-14",
        image: 15,
        key: "2",
        window: Window::Is(700.0, 700.0),
        view: 1,
        ends: [[117.6, 128.5], [135.6, 128.5]],
        pixel: 1.0,
        unit: "mm",
        source: "mm (Pixel Spacing)",
        label: "lesion",
        code: "52988006",
        prior: Some(103),
        views: (1, 1),
    },
    Reading {
        name: "mg",
        path: "mg-now",
        modality: "MG",
        find: "modality:MG status:new",
        list: "status:new",
        scroll: "0",
        image: 1,
        key: "2",
        window: Window::Is(2000.0, 2300.0),
        view: 2,
        ends: [[226.0, 367.0], [288.0, 367.0]],
        pixel: 0.224,
        unit: "mm",
        source: "mm at detector (not corrected)",
        label: "mass",
        code: "4147007",
        prior: Some(735),
        views: (4, 4),
    },
    Reading {
        name: "us",
        path: "us-now",
        modality: "US",
        find: "modality:US status:new",
        list: "status:new",
        scroll: "-3",
        image: 4,
        key: "2",
        window: Window::Is(160.0, 100.0),
        view: 1,
        ends: [[297.0, 221.0], [372.0, 221.0]],
        pixel: 0.32,
        unit: "mm",
        source: "mm (ultrasound region)",
        label: "cyst",
        code: "367643001",
        prior: Some(206),
        views: (1, 1),
    },
];

/// Studies of real people. Only the head has an earlier study: of the same day, an hour before.
pub const REAL: [Reading; 5] = [
    Reading {
        name: "cr",
        path: "xray/RG3_J2KR.dcm",
        modality: "CR",
        find: "modality:CR tibia",
        list: "modality:CR",
        scroll: "0",
        image: 1,
        key: "0",
        window: Window::Auto,
        view: 1,
        ends: [[820.0, 1130.0], [905.0, 1130.0]],
        pixel: 1.0,
        unit: "px",
        source: "px (uncalibrated)",
        label: "lesion",
        code: "52988006",
        prior: None,
        views: (1, 0),
    },
    Reading {
        name: "ct",
        path: "ct-chest-abdomen",
        modality: "CT",
        find: "modality:CT cap",
        list: "modality:CT",
        scroll: "-49",
        image: 50,
        key: "2",
        window: Window::Is(1500.0, -600.0),
        view: 1,
        ends: [[349.0, 243.0], [373.0, 243.0]],
        pixel: 0.898_438,
        unit: "mm",
        source: "mm (Pixel Spacing)",
        label: "nodule",
        code: "27925004",
        prior: None,
        views: (1, 0),
    },
    Reading {
        name: "mr",
        path: "mr-brain-t1/HFDL/2_t1_fl2d_sag",
        modality: "MR",
        find: "modality:MR rorden",
        list: "modality:MR",
        scroll: "-17",
        image: 18,
        key: "0",
        window: Window::Auto,
        view: 1,
        ends: [[150.0, 190.0], [178.0, 190.0]],
        pixel: 1.015_625,
        unit: "mm",
        source: "mm (Pixel Spacing)",
        label: "lesion",
        code: "52988006",
        prior: Some(0),
        views: (1, 1),
    },
    Reading {
        name: "mg",
        path: "xray/GH133-mammogram.dcm",
        modality: "MG",
        find: "modality:MG",
        list: "modality:MG,CR",
        scroll: "0",
        image: 1,
        key: "2",
        window: Window::Table("HARDER"),
        view: 1,
        ends: [[1700.0, 1900.0], [1780.0, 1900.0]],
        pixel: 0.094_090_909_09,
        unit: "mm",
        source: "mm (magnification 1.00)",
        label: "mass",
        code: "4147007",
        prior: None,
        views: (1, 0),
    },
    Reading {
        name: "us",
        path: "dicom-fo/GH364.dcm",
        modality: "US",
        find: "modality:US date:2013",
        list: "modality:US",
        scroll: "0",
        image: 1,
        key: "0",
        window: Window::Auto,
        view: 1,
        ends: [[640.0, 410.0], [760.0, 410.0]],
        pixel: 1.0,
        unit: "px",
        source: "px (uncalibrated)",
        label: "cyst",
        code: "367643001",
        prior: None,
        views: (1, 0),
    },
];

/// What else is on the list of real studies: to go on to, and the earlier study of the head.
pub fn real_paths() -> Vec<PathBuf> {
    let beside = [
        ("xray", "RG1_J2KI.dcm"),
        ("ct-head-tiny", ""),
        ("mr-brain-t1", "HFS/3_t1_fl2d_sag"),
        ("dicom-mr-misc", "vs-seg-001"),
        ("dicom-fo", "DIRW0007"),
    ];
    let of = |group: &str, rest: &str| match rest {
        "" => data(group),
        rest => data(group).join(rest),
    };
    let read = REAL.iter().map(|r| {
        let (group, rest) = r.path.split_once('/').unwrap_or((r.path, ""));
        of(group, rest)
    });
    read.chain(beside.iter().map(|(group, rest)| of(group, rest)))
        .collect()
}
