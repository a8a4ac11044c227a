//! Sets as they are written.

use super::SetForm;
use crate::{
    cli::{
        Common, Exit, masks,
        series::Refusal,
        volume::{load, windowed},
    },
    files::write_whole,
    formats::{self, VolumeOut, coco::runs, labels::to_volume},
    imaging::contours::outlines,
    model::{
        layout::SeriesLayout,
        lut::{ModalityLut, Voi},
        pixels::{Frame, StoredType},
        segmentation::{Segment, Segmentation, VoxelBox},
        volume::Volume,
    },
    workspace::label_sets::split::Part,
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Writes a set case by case.
pub struct Writer {
    folder: PathBuf,
    form: SetForm,
    polygons: bool,
    /// Numbers of labels by their names, from 1 without a gap.
    labels: BTreeMap<String, u16>,
    names: BTreeSet<String>,
    modality: String,
    lists: BTreeMap<Part, Vec<Value>>,
    annotations: BTreeMap<Part, Vec<Value>>,
    pictures: u64,
    marks: u64,
}

fn io(error: &std::io::Error, path: &Path) -> Refusal {
    Refusal::new(
        Exit::Io,
        format!("cannot write: {error}: {}", path.display()),
    )
}

impl Writer {
    /// Begins a set in a folder that is new or empty.
    ///
    /// # Errors
    /// A folder with files in it.
    pub fn new(folder: &Path, form: SetForm, polygons: bool) -> Result<Self, Refusal> {
        fs::create_dir_all(folder).map_err(|e| io(&e, folder))?;
        if fs::read_dir(folder)
            .map_err(|e| io(&e, folder))?
            .next()
            .is_some()
        {
            let text = format!("the folder is not empty: {}", folder.display());
            return Err(Refusal::new(Exit::Usage, text));
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            form,
            polygons,
            labels: BTreeMap::new(),
            names: BTreeSet::new(),
            modality: String::new(),
            lists: BTreeMap::new(),
            annotations: BTreeMap::new(),
            pictures: 0,
            marks: 0,
        })
    }

    /// Numbers of labels by their names.
    pub const fn labels(&self) -> &BTreeMap<String, u16> {
        &self.labels
    }

    /// The mask with numbers that mean the same in all cases: those of the names, in the order in which they came.
    fn numbered(&mut self, seg: &Segmentation) -> Result<Segmentation, Refusal> {
        let mut map = BTreeMap::new();
        for segment in seg.segments() {
            let next = self.labels.len() + 1;
            let next =
                u16::try_from(next).map_err(|_| Refusal::new(Exit::Limit, "too many labels"))?;
            let number = *self.labels.entry(segment.label.clone()).or_insert(next);
            if map.values().any(|n| *n == number) {
                let text = format!("two segments of one mask are called {}", segment.label);
                return Err(Refusal::new(Exit::Rejected, text));
            }
            map.insert(segment.number, number);
        }
        let mut out = Segmentation::new(seg.id.clone(), seg.grid);
        for (place, layer) in seg.layers().iter().enumerate() {
            let numbers = layer
                .to_dense()
                .into_iter()
                .map(|n| map.get(&n).copied().unwrap_or(0));
            out.set_layer(
                place,
                crate::model::segmentation::Voxels::from_dense(seg.grid.size, numbers),
            );
        }
        for segment in seg.segments() {
            let number = map.get(&segment.number).copied().unwrap_or(0);
            out.put_segment(Segment {
                number,
                ..segment.clone()
            });
        }
        Ok(out)
    }

    /// Writes a case.
    ///
    /// # Errors
    /// What the form cannot say, and those of the disk.
    pub fn case(
        &mut self,
        name: &str,
        layout: &SeriesLayout,
        seg: &Segmentation,
        part: Part,
        common: &Common,
    ) -> Result<(), Refusal> {
        if !self.names.insert(name.to_ascii_lowercase()) {
            let text = format!("two cases are called {name}");
            return Err(Refusal::new(Exit::Rejected, text));
        }
        let seg = self.numbered(seg)?;
        let volume = pictures(layout, &seg, common)?;
        if self.modality.is_empty() {
            let first = layout.first_instance();
            self.modality = first.map(|i| i.series.modality.clone()).unwrap_or_default();
        }
        match self.form {
            SetForm::Nnunet => {
                let (images, masks, list) = match part {
                    Part::Train | Part::Val => ("imagesTr", "labelsTr", "training"),
                    Part::Test => ("imagesTs", "labelsTs", "test"),
                };
                self.volume(images, &format!("{name}_0000.nii.gz"), &volume, false)?;
                self.volume(masks, &format!("{name}.nii.gz"), &to_volume(&seg)?, true)?;
                self.lists
                    .entry(part)
                    .or_default()
                    .push(json!({"name": name, "list": list}));
            }
            SetForm::Monai => {
                let file = format!("{name}.nii.gz");
                self.volume("images", &file, &volume, false)?;
                self.volume("labels", &file, &to_volume(&seg)?, true)?;
                let image = format!("images/{file}");
                let entry =
                    json!({"name": name, "image": image, "label": format!("labels/{file}")});
                self.lists.entry(part).or_default().push(entry);
            }
            SetForm::Coco | SetForm::Png => self.slices(name, layout, &seg, &volume, part)?,
        }
        Ok(())
    }

    fn volume(
        &self,
        folder: &str,
        file: &str,
        volume: &Volume,
        labels: bool,
    ) -> Result<(), Refusal> {
        let folder = self.folder.join(folder);
        fs::create_dir_all(&folder).map_err(|e| io(&e, &folder))?;
        let mut whole = VolumeOut::new(volume);
        whole.labels = labels;
        formats::write(&folder.join(file), &whole)?;
        Ok(())
    }

    /// Slices with a mask, as pictures of 8 bits.
    fn slices(
        &mut self,
        name: &str,
        layout: &SeriesLayout,
        seg: &Segmentation,
        volume: &Volume,
        part: Part,
    ) -> Result<(), Refusal> {
        let shown = shown(volume, layout)?;
        let held: BTreeSet<usize> = seg
            .layers()
            .iter()
            .flat_map(|layer| layer.occupied().flat_map(|b| b.range(2)))
            .collect();
        let several = seg.grid.size[2] > 1;
        let labels = match self.form {
            SetForm::Png => Some(to_volume(seg)?),
            _ => None,
        };
        for slice in held {
            let found = annotations(seg, slice, self.polygons);
            if found.is_empty() {
                continue;
            }
            let file = match several {
                true => format!("{name}_{:04}.png", slice + 1),
                false => format!("{name}.png"),
            };
            let folder = format!("images/{}", part.name());
            self.picture(&folder, &file, &shown, slice)?;
            if let Some(labels) = &labels {
                let masks = format!("masks/{}", part.name());
                self.picture(&masks, &file, labels, slice)?;
                self.lists.entry(part).or_default().push(json!({
                    "name": file.trim_end_matches(".png"), "patient": name,
                    "image": format!("{folder}/{file}"), "label": format!("{masks}/{file}"),
                }));
                continue;
            }
            self.pictures += 1;
            let id = self.pictures;
            let [columns, rows, _] = seg.grid.size;
            self.lists.entry(part).or_default().push(json!({
                "id": id, "file_name": format!("{folder}/{file}"), "width": columns, "height": rows,
                "split": part.name(), "patient": name,
            }));
            for (number, area, bounds, shape) in found {
                self.marks += 1;
                self.annotations.entry(part).or_default().push(json!({
                    "id": self.marks, "image_id": id, "category_id": number, "area": area, "bbox": bounds,
                    "iscrowd": u8::from(!self.polygons), "segmentation": shape,
                }));
            }
        }
        Ok(())
    }

    fn picture(
        &self,
        folder: &str,
        file: &str,
        volume: &Volume,
        slice: usize,
    ) -> Result<(), Refusal> {
        let folder = self.folder.join(folder);
        fs::create_dir_all(&folder).map_err(|e| io(&e, &folder))?;
        let frame = volume.frames.get(slice).cloned();
        let frame = frame.ok_or_else(|| Refusal::new(Exit::Internal, "a slice is missing"))?;
        let mut grid = volume.grid;
        grid.size[2] = 1;
        let one = Volume {
            grid,
            frames: vec![frame],
            ..volume.clone()
        };
        masks::write_png(&folder.join(file), &VolumeOut::new(&one))?;
        Ok(())
    }

    /// Writes what stands above the cases.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn finish(&self) -> Result<(), Refusal> {
        let write = |name: &str, value: &Value| -> Result<(), Refusal> {
            let path = self.folder.join(name);
            let text = format!("{value:#}\n");
            write_whole(&path, text.as_bytes()).map_err(|e| io(&e, &path))
        };
        let of = |part: Part| self.lists.get(&part).cloned().unwrap_or_default();
        match self.form {
            SetForm::Nnunet => {
                let mut labels = Map::new();
                labels.insert("background".into(), json!(0));
                let mut sorted: Vec<(&String, &u16)> = self.labels.iter().collect();
                sorted.sort_by_key(|(_, number)| **number);
                for (name, number) in sorted {
                    labels.insert(name.clone(), json!(number));
                }
                // nnU-Net tells CT from all else by this word.
                let channel = if self.modality.is_empty() {
                    "image"
                } else {
                    &self.modality
                };
                let training = of(Part::Train).len() + of(Part::Val).len();
                write(
                    "dataset.json",
                    &json!({
                        "channel_names": {"0": channel},
                        "labels": labels,
                        "numTraining": training,
                        "file_ending": ".nii.gz",
                    }),
                )?;
                // One fold, as nnU-Net reads it from its preprocessed folder: what was chosen to choose by stays so.
                let names = |part: Part| -> Vec<Value> {
                    of(part)
                        .iter()
                        .filter_map(|v| v.get("name").cloned())
                        .collect()
                };
                if !of(Part::Val).is_empty() {
                    let folds = json!([{"train": names(Part::Train), "val": names(Part::Val)}]);
                    write("splits_final.json", &folds)?;
                }
                Ok(())
            }
            SetForm::Monai | SetForm::Png => {
                let labels: Map<String, Value> = self.names_by_number();
                write(
                    "datalist.json",
                    &json!({
                        "labels": labels,
                        "training": of(Part::Train),
                        "validation": of(Part::Val),
                        "testing": of(Part::Test),
                    }),
                )
            }
            SetForm::Coco => {
                let categories: Vec<Value> = self
                    .names_by_number()
                    .into_iter()
                    .map(|(number, name)| json!({"id": number.parse::<u16>().unwrap_or(0), "name": name}))
                    .collect();
                for part in self.lists.keys() {
                    let annotations = self.annotations.get(part).cloned().unwrap_or_default();
                    write(
                        &format!("{}.json", part.name()),
                        &json!({
                            "images": of(*part), "annotations": annotations, "categories": categories,
                        }),
                    )?;
                }
                Ok(())
            }
        }
    }

    fn names_by_number(&self) -> Map<String, Value> {
        let mut sorted: Vec<(u16, &String)> =
            self.labels.iter().map(|(name, n)| (*n, name)).collect();
        sorted.sort();
        sorted
            .into_iter()
            .map(|(n, name)| (n.to_string(), json!(name)))
            .collect()
    }
}

/// The pictures below a mask, on its grid.
fn pictures(layout: &SeriesLayout, seg: &Segmentation, common: &Common) -> Result<Volume, Refusal> {
    let volume = match layout.volume {
        Some(_) => load(layout, Path::new("the pictures"), common)?,
        None => masks::stack(layout, seg.grid, common)?,
    };
    match volume.grid == seg.grid {
        true => Ok(volume),
        false => Err(Refusal::new(
            Exit::Rejected,
            "[OTHER_GRID] the mask does not lie on the voxels of its pictures",
        )),
    }
}

/// As on a screen, 8 bits: the window of the file, else all values.
fn shown(volume: &Volume, layout: &SeriesLayout) -> Result<Volume, Refusal> {
    let first = layout.frames.first();
    let image = first.and_then(|f| Some(f.instance.image.as_ref()?.frame(f.frame)));
    let plain = volume.frames.first().is_some_and(|f| {
        f.stored_type == StoredType::U8 && matches!(volume.modality_lut, ModalityLut::Rescale { slope, intercept } if slope == 1.0 && intercept == 0.0)
    });
    let voi = image.and_then(|image| image.voi.first().cloned());
    if plain && voi.is_none() {
        return Ok(volume.clone());
    }
    let voi = voi.unwrap_or_else(|| {
        let values = volume.frames.iter().flat_map(Frame::values);
        let values =
            values.map(|v| crate::imaging::window::modality_value(v, &volume.modality_lut));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        Voi::window((low + high) / 2.0, (high - low).max(1.0))
    });
    windowed(volume, layout, &voi)
}

/// Number, area, bounds and shape of each segment on a slice.
fn annotations(
    seg: &Segmentation,
    slice: usize,
    polygons: bool,
) -> Vec<(u16, usize, [usize; 4], Value)> {
    let [columns, rows, _] = seg.grid.size;
    let part = VoxelBox {
        first: [0, 0, slice],
        end: [columns, rows, slice + 1],
    };
    let mut found = Vec::new();
    for segment in seg.segments() {
        let Some(layer) = seg.layers().get(segment.layer) else {
            continue;
        };
        let mask: Vec<bool> = layer
            .read(&part)
            .into_iter()
            .map(|n| n == segment.number)
            .collect();
        let area = mask.iter().filter(|v| **v).count();
        if area == 0 {
            continue;
        }
        let places = || {
            mask.iter()
                .enumerate()
                .filter(|(_, v)| **v)
                .map(|(at, _)| at)
        };
        let (x, y) = (|at: usize| at % columns, |at: usize| at / columns);
        let left = places().map(x).min().unwrap_or(0);
        let right = places().map(x).max().unwrap_or(0);
        let top = places().map(y).min().unwrap_or(0);
        let bottom = places().map(y).max().unwrap_or(0);
        let shape = match polygons {
            true => {
                let flat = |outline: Vec<[f64; 2]>| -> Vec<f64> {
                    outline
                        .into_iter()
                        .flat_map(|p| p.map(|v| v + 0.5))
                        .collect()
                };
                json!(
                    outlines(&mask, columns)
                        .into_iter()
                        .map(flat)
                        .collect::<Vec<_>>()
                )
            }
            false => json!({"size": [rows, columns], "counts": runs(&mask, columns)}),
        };
        found.push((
            segment.number,
            area,
            [left, top, right - left + 1, bottom - top + 1],
            shape,
        ));
    }
    found
}
