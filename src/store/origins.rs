//! Where a voxel of a segmentation comes from: every change of it that is not taken back, read out of the journal.

use super::{Store, StoreError, codec::Kind, journal};
use crate::model::{
    edit::Edit,
    segmentation::{SegmentationEdit, SegmentationId, VoxelSource, delta::change_at},
};
use std::{fs::File, io::BufReader, sync::Arc};

/// Most changes of a voxel that a window shows: the newest.
pub const MOST: usize = 200;

/// A change of a voxel.
#[derive(Clone, Debug, PartialEq)]
pub struct VoxelOrigin {
    /// Number of the commit.
    pub commit: u64,
    /// Which layer.
    pub layer: usize,
    /// The number before.
    pub from: u16,
    /// The number after.
    pub to: u16,
    /// What changed it.
    pub source: Arc<VoxelSource>,
}

impl Store {
    /// The changes of a voxel, the first one first; those that were taken back are left out.
    ///
    /// # Errors
    /// As reading the journal.
    pub fn voxel_origins(
        &self,
        id: &SegmentationId,
        at: [usize; 3],
    ) -> Result<Vec<VoxelOrigin>, StoreError> {
        let path = self.dir.join(journal::FILE);
        let file = File::open(&path).map_err(StoreError::io("opening the journal"))?;
        let length = file
            .metadata()
            .map_err(StoreError::io("reading the journal"))?
            .len();
        let mut found: Vec<VoxelOrigin> = Vec::new();
        let mut number = 0;
        let mut source = BufReader::with_capacity(1 << 16, file);
        journal::replay_each(&mut source, length, &self.key, &mut |commit| {
            number += 1;
            let of = match commit.kind {
                Kind::Undoes(of) => {
                    found.retain(|change| change.commit != of);
                    return Ok(());
                }
                Kind::Redoes(of) => of,
                Kind::Done | Kind::Noted => number,
            };
            for edit in &commit.edits {
                let Edit::Segmentation(edit) = edit else {
                    continue;
                };
                if edit.of() != id {
                    continue;
                }
                match edit {
                    SegmentationEdit::Voxels(change) => {
                        if let Some((from, to)) = change_at(&change.delta, at) {
                            found.push(VoxelOrigin {
                                commit: of,
                                layer: change.layer,
                                from,
                                to,
                                source: Arc::clone(&change.source),
                            });
                        }
                    }
                    SegmentationEdit::Put(_) | SegmentationEdit::Drop(_) => found.clear(),
                    SegmentationEdit::Segment { .. } | SegmentationEdit::Title { .. } => {}
                }
            }
            Ok(())
        })?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::segmentation_tests::{begun, block};

    #[test]
    fn every_voxel_says_where_it_comes_from() {
        let mut store = Store::throw_away().unwrap();
        store.commit(&begun("2.25.4", [30, 30, 9])).unwrap();
        let id = SegmentationId("2.25.4".into());
        let first = block(store.kept(), "2.25.4", [2, 2, 2], 4, 1);
        let one = store.commit(&[first]).unwrap();
        let second = block(store.kept(), "2.25.4", [4, 4, 4], 4, 2);
        let two = store.commit(&[second]).unwrap();
        let origins = |store: &Store, at| {
            let found = store.voxel_origins(&id, at).unwrap();
            found
                .iter()
                .map(|o| (o.commit, o.from, o.to))
                .collect::<Vec<_>>()
        };
        assert_eq!(origins(&store, [2, 2, 2]), [(one, 0, 1)]);
        assert_eq!(origins(&store, [5, 5, 5]), [(one, 0, 1), (two, 1, 2)]);
        assert_eq!(origins(&store, [20, 2, 2]), []);
        assert_eq!(origins(&store, [99, 2, 2]), []);
        store.undo().unwrap();
        assert_eq!(origins(&store, [5, 5, 5]), [(one, 0, 1)]);
        store.redo().unwrap();
        assert_eq!(origins(&store, [5, 5, 5]), [(one, 0, 1), (two, 1, 2)]);
        let tool = store.voxel_origins(&id, [5, 5, 5]).unwrap()[1]
            .source
            .tool
            .clone();
        assert_eq!(tool, "brush");
    }
}
