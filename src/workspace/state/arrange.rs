//! Which cells there are and what stands in them.

use super::{Layout, ViewKind, Viewport, Workspace};
use crate::{model::geometry::BodyPlane, workspace::view::VoiChoice};
use glam::DVec3;

impl Workspace {
    /// Arranges the cells. Series that are shown stay; free cells take the next ones of the same patient.
    pub fn set_layout(&mut self, layout: Layout) {
        let from_mpr = self.layout == Layout::Mpr;
        let cells = layout.cells();
        self.hanging.changed = true;
        let active_node = self.active_viewport().and_then(|v| v.node.clone());
        if matches!(self.layout, Layout::Tiles(_)) && !matches!(layout, Layout::Tiles(_)) {
            // One series stood in all cells; it goes on in the first.
            for viewport in self.viewports.iter_mut().skip(1) {
                viewport.clear();
            }
            self.active = 0;
        }
        self.layout = layout;
        self.fit_viewports();
        self.keep_apart();
        self.maximised = false;
        match self.layout {
            Layout::Tiles(_) => self.begin_tiles(),
            Layout::Mpr => self.arrange_mpr(),
            _ => {
                if from_mpr && let Some(node) = active_node {
                    for viewport in &mut self.viewports {
                        viewport.clear();
                    }
                    self.show(0, &node);
                }
                self.fill_cells();
            }
        }
        self.active = self.active.min(cells.saturating_sub(1));
        self.request_frames();
    }

    pub(super) fn fill_cells(&mut self) {
        let Some(patient) = self.viewports.iter().find_map(|v| v.patient().cloned()) else {
            return;
        };
        let candidates: Vec<_> = self
            .library
            .series_of_patient(&patient)
            .into_iter()
            .cloned()
            .collect();
        for cell in 0..self.layout.cells() {
            if self
                .viewports
                .get(cell)
                .is_some_and(|v| v.patient().is_some())
            {
                continue;
            }
            let shown: Vec<String> = self
                .viewports
                .iter()
                .filter_map(|v| v.node.as_ref().map(|n| n.key.clone()))
                .collect();
            let Some(next) = candidates.iter().find(|n| !shown.contains(&n.key)).cloned() else {
                return;
            };
            let active = self.active;
            self.show(cell, &next);
            self.active = active;
        }
    }

    /// Axial, axial in a second window, coronal and sagittal of the active volume.
    pub(super) fn arrange_mpr(&mut self) {
        let Some(source) = self.active_viewport().cloned() else {
            return;
        };
        let (Some(node), Some(display)) = (source.node.clone(), source.display.clone()) else {
            return;
        };
        if !display.is_volume() {
            self.layout = Layout::ONE;
            return;
        }
        let crosshair = source.crosshair.or_else(|| {
            let grid = display.layout.volume?;
            let middle = grid.centre();
            let plane_of = |slice: usize| {
                grid.patient_from_voxel
                    .transform_point3(DVec3::new(0.0, 0.0, slice as f64))
            };
            match source.kind {
                // From a stack the cuts begin at the slice that was shown, when it was moved to.
                ViewKind::Stack if source.slice > 0 => {
                    let normal = grid.patient_from_voxel.matrix3.z_axis.normalize();
                    Some(middle + normal * (plane_of(source.slice) - middle).dot(normal))
                }
                _ => Some(middle),
            }
        });
        let second = match (node.description.modality.as_str(), &source.view.voi) {
            ("CT", VoiChoice::Preset(name)) if name == "lung" => {
                VoiChoice::Preset("mediastinum".into())
            }
            ("CT", _) if opens_as_lung(&source) => VoiChoice::Preset("mediastinum".into()),
            ("CT", _) => VoiChoice::Preset("lung".into()),
            _ => VoiChoice::Auto,
        };
        let planes = [
            BodyPlane::Axial,
            BodyPlane::Axial,
            BodyPlane::Coronal,
            BodyPlane::Sagittal,
        ];
        for (cell, (viewport, plane)) in self.viewports.iter_mut().zip(planes).enumerate() {
            viewport.show(node.clone(), display.clone(), ViewKind::Plane(plane));
            viewport.crosshair = crosshair;
            viewport.view.voi = if cell == 1 {
                second.clone()
            } else {
                source.view.voi.clone()
            };
        }
        self.active = 0;
    }
}

fn opens_as_lung(viewport: &Viewport) -> bool {
    viewport
        .voi()
        .level()
        .is_some_and(|level| level.center < -300.0)
}
