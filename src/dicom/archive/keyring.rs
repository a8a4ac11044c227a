//! The passphrases of this session: in memory only, wiped when forgotten, never printed.

use crate::model::passphrase::Passphrase;
use std::{
    fmt,
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

/// Passphrases of archives. Clones share them.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Mutex<Vec<Arc<Key>>>>);

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

    /// Forgets all.
    pub fn clear(&self) {
        self.keys().clear();
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys().is_empty()
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
