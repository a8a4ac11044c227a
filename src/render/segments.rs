//! A layer of a segmentation on the device that draws: held with the state that it shows. What differs from now goes up,
//! box by box, whatever changed it: a stamp, undo, an import.
//!
//! What fits one binding lies there voxel by voxel; of a larger grid the bricks in which there is something
//! ([`BrickMask`]), so that its memory is that of what was painted.
//!
//! A voxel has eight bits there. Segments of a layer get numbers of their own for that; beyond 255 in one layer they
//! share them, and so their colours.

use crate::{
    gpu::{
        BoxWriter, BrickMask, GpuContext, GpuError, MaskBits, MaskBox, MaskVolume,
        brick_mask::{BrickChange, BrickPart, SIDE},
    },
    model::segmentation::{
        VoxelBox, Voxels,
        voxels::{ChangedBrick, EDGE},
    },
};
use std::collections::BTreeMap;

/// Layers of more bytes are held in bricks, also where one binding would take them: most of such a grid is empty.
const WHOLE_AT_MOST: u64 = 512 << 20;

/// How the voxels lie on the device.
#[derive(Debug)]
enum Held {
    Whole(MaskVolume),
    Bricks(BrickMask),
}

/// A layer on the device.
#[derive(Debug)]
pub struct DeviceLayer {
    held: Held,
    shown: Voxels,
    views: BTreeMap<u16, u8>,
}

impl DeviceLayer {
    /// An empty layer of columns, rows and slices.
    ///
    /// # Errors
    /// [`GpuError::MaskTooLarge`], [`GpuError::OutOfMemory`].
    pub fn new(gpu: &GpuContext, size: [usize; 3]) -> Result<Self, GpuError> {
        let most = MaskVolume::limit(gpu);
        Self::within(gpu, size, [most.min(WHOLE_AT_MOST), most])
    }

    /// The same with at most so many bytes voxel by voxel, and at most so many of bricks.
    ///
    /// # Errors
    /// As [`DeviceLayer::new`].
    pub fn within(
        gpu: &GpuContext,
        size: [usize; 3],
        [whole, bricks]: [u64; 2],
    ) -> Result<Self, GpuError> {
        let held = match MaskVolume::bytes_of(size, MaskBits::Eight) <= whole {
            true => Held::Whole(MaskVolume::new(gpu, size, MaskBits::Eight)?),
            false => Held::Bricks(BrickMask::new(gpu, size, bricks)?),
        };
        Ok(Self {
            held,
            shown: Voxels::new(size),
            views: BTreeMap::new(),
        })
    }

    /// The numbers, as they are drawn.
    pub const fn mask(&self) -> &MaskVolume {
        match &self.held {
            Held::Whole(mask) => mask,
            Held::Bricks(bricks) => bricks.mask(),
        }
    }

    /// Memory on the device, bytes.
    pub fn held_bytes(&self) -> u64 {
        match &self.held {
            Held::Whole(mask) => mask.buffer().size(),
            Held::Bricks(bricks) => bricks.held_bytes(),
        }
    }

    /// The number that stands for a segment on the device.
    pub fn view(&mut self, number: u16) -> u8 {
        view_of(&mut self.views, number)
    }

    /// Brings it to a state; whether something went up.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the size is another one, [`GpuError::OutOfMemory`].
    pub fn follow(
        &mut self,
        gpu: &GpuContext,
        writer: &mut BoxWriter,
        voxels: &Voxels,
    ) -> Result<bool, GpuError> {
        if voxels.size() != self.mask().size() {
            return Err(GpuError::Mismatch("the layer is not of the mask's size"));
        }
        if voxels.is_same(&self.shown) {
            return Ok(false);
        }
        let views = &mut self.views;
        let mask = match &mut self.held {
            Held::Whole(mask) => mask,
            Held::Bricks(bricks) => {
                let mut any = false;
                let changes = voxels.changed_bricks(&self.shown).map(|changed| {
                    any = true;
                    drawn(views, &changed)
                });
                bricks.write(gpu, writer, changes)?;
                self.shown = voxels.clone();
                return Ok(any);
            }
        };
        let boxes = voxels.changed_boxes(&self.shown);
        for part in &boxes {
            let words = MaskBox::around(part.first, part.size(), voxels.size()[0]);
            let numbers = voxels.read(&VoxelBox {
                first: words.first,
                end: std::array::from_fn(|axis| words.first[axis] + words.size[axis]),
            });
            let mut bytes = Vec::with_capacity(numbers.len());
            for run in numbers.chunk_by(|a, b| a == b) {
                let view = view_of(views, run.first().copied().unwrap_or(0));
                bytes.resize(bytes.len() + run.len(), view);
            }
            writer.write(gpu, mask, &words, &bytes)?;
        }
        if !boxes.is_empty() {
            self.shown = voxels.clone();
        }
        Ok(!boxes.is_empty())
    }
}

/// The number that stands for a segment.
fn view_of(views: &mut BTreeMap<u16, u8>, number: u16) -> u8 {
    if number == 0 {
        return 0;
    }
    if let Some(view) = views.get(&number) {
        return *view;
    }
    let some = views.len() < usize::from(u8::MAX);
    let free = (1..=u8::MAX)
        .filter(|_| some)
        .find(|view| !views.values().any(|taken| taken == view));
    let view = free.unwrap_or((number.saturating_sub(1) % 255 + 1) as u8);
    views.insert(number, view);
    view
}

/// What changed of a brick, as it is drawn.
fn drawn(views: &mut BTreeMap<u16, u8>, changed: &ChangedBrick<'_>) -> BrickChange {
    let part = changed.numbers.map(|numbers| {
        let place = MaskBox::around(changed.part.first, changed.part.size(), EDGE);
        let mut voxels = Vec::with_capacity(place.bytes());
        let mut last = (0, 0);
        for z in place.first[2]..place.first[2] + place.size[2] {
            for y in place.first[1]..place.first[1] + place.size[1] {
                let from = (z * EDGE + y) * EDGE + place.first[0];
                let row = numbers.get(from..from + place.size[0]).unwrap_or_default();
                voxels.extend(row.iter().map(|&number| {
                    if number != last.0 {
                        last = (number, view_of(views, number));
                    }
                    last.1
                }));
            }
        }
        BrickPart { place, voxels }
    });
    BrickChange {
        brick: changed.index,
        part,
    }
}

const _: () = assert!(EDGE == SIDE);
