//! The passphrases of this session, and the keys of what stores keep: in memory only, wiped when forgotten, never printed.

use crate::{
    dicom::sealed::{SealError, SealedFile, SealedHead, VaultKey},
    model::passphrase::Passphrase,
};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Passphrases that are tried at most, each at the cost of a key derivation a member.
const MOST: usize = 16;

/// A passphrase, and whether it has opened anything.
pub(super) struct Key {
    pub(super) passphrase: Passphrase,
    proven: AtomicBool,
}

impl Key {
    /// It opened a member.
    pub(super) fn prove(&self) {
        self.proven.store(true, Ordering::Relaxed);
    }

    /// Whether it opened one.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }
}

/// Who gives the key of the store in a folder, where it can be given.
type Unlock = Box<dyn Fn(&Path) -> Option<VaultKey> + Send + Sync>;

/// Keys of stores.
#[derive(Default)]
struct Vaults {
    keys: Vec<VaultKey>,
    /// Asked once a folder.
    unlock: Option<Unlock>,
    asked: Vec<PathBuf>,
}

/// Passphrases of archives, and keys of what stores keep. Clones share them.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Mutex<Vec<Arc<Key>>>>, Arc<Mutex<Vaults>>);

impl Keyring {
    /// A ring with one passphrase.
    pub fn of(passphrase: Passphrase) -> Self {
        let ring = Self::default();
        ring.add(passphrase);
        ring
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Arc<Key>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a passphrase; it is tried first. The one that was added longest ago goes when there are too many.
    pub fn add(&self, passphrase: Passphrase) {
        let mut keys = self.keys();
        let known = keys.iter().position(|key| key.passphrase == passphrase);
        let key = match known {
            Some(at) => keys.remove(at),
            None => Arc::new(Key {
                passphrase,
                proven: AtomicBool::new(false),
            }),
        };
        keys.insert(0, key);
        keys.truncate(MOST);
    }

    /// All passphrases, the one that is tried first coming first; for another process of this program.
    pub fn passphrases(&self) -> Vec<Passphrase> {
        let keys = self.keys();
        keys.iter().map(|key| key.passphrase.clone()).collect()
    }

    /// Passphrases to try, in order.
    pub(super) fn all(&self) -> Vec<Arc<Key>> {
        self.keys().clone()
    }

    /// Forgets a passphrase that has opened nothing: somebody mistyped.
    pub fn forget_unproven(&self, passphrase: &Passphrase) {
        self.keys()
            .retain(|key| key.is_proven() || key.passphrase != *passphrase);
    }

    /// Forgets all passphrases; what stores keep can be read as long as they are open.
    pub fn clear(&self) {
        self.keys().clear();
    }

    /// Whether there is no passphrase.
    pub fn is_empty(&self) -> bool {
        self.keys().is_empty()
    }

    fn vaults(&self) -> MutexGuard<'_, Vaults> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on what the store of this key keeps can be read.
    pub fn add_vault(&self, key: VaultKey) {
        let mut vaults = self.vaults();
        if !vaults.keys.contains(&key) {
            vaults.keys.push(key);
        }
    }

    /// The store is closed: what it keeps can no longer be read.
    pub fn forget_vault(&self, key: &VaultKey) {
        self.vaults().keys.retain(|known| known != key);
    }

    /// Has somebody asked for the key of the store in a folder, once a folder, where none is known that opens what lies
    /// there.
    pub fn unlock_with(&self, unlock: impl Fn(&Path) -> Option<VaultKey> + Send + Sync + 'static) {
        self.vaults().unlock = Some(Box::new(unlock));
    }

    /// Opens what a store keeps.
    ///
    /// # Errors
    /// [`SealError`].
    pub(in crate::dicom) fn open_kept(
        &self,
        path: &Path,
    ) -> Result<(SealedHead, SealedFile), SealError> {
        let known = self.vaults().keys.clone();
        for key in &known {
            match SealedFile::open(path, key) {
                Err(SealError::Locked) => {}
                other => return other,
            }
        }
        // Where the key of the store is wanted that the folder of the blobs lies in.
        let mut vaults = self.vaults();
        let folder = path.parent().and_then(Path::parent).map(Path::to_owned);
        if let Some(folder) = folder.filter(|folder| !vaults.asked.contains(folder)) {
            let found = vaults.unlock.as_ref().and_then(|unlock| unlock(&folder));
            vaults.asked.push(folder);
            vaults.keys.extend(found);
        }
        // Another thread may have had it given meanwhile.
        let further: Vec<VaultKey> = vaults.keys.iter().skip(known.len()).cloned().collect();
        drop(vaults);
        let mut outcome = Err(SealError::Locked);
        for key in &further {
            outcome = SealedFile::open(path, key);
            if !matches!(outcome, Err(SealError::Locked)) {
                break;
            }
        }
        outcome
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", self.keys().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_what_opened_something() {
        let ring = Keyring::of(Passphrase::new("first"));
        ring.add(Passphrase::new("second"));
        ring.add(Passphrase::new("first"));
        assert_eq!(ring.all().len(), 2);
        assert_eq!(ring.all()[0].passphrase, Passphrase::new("first"));
        ring.all()[1].prove();
        ring.forget_unproven(&Passphrase::new("first"));
        ring.forget_unproven(&Passphrase::new("second"));
        assert_eq!(ring.all().len(), 1);
        assert_eq!(ring.all()[0].passphrase, Passphrase::new("second"));
        assert_eq!(format!("{ring:?}"), "Keyring(1)");
        for number in 0..40 {
            ring.add(Passphrase::new(number.to_string()));
        }
        assert_eq!(ring.all().len(), MOST);
        ring.clear();
        assert!(ring.is_empty());
    }
}
