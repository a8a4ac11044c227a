//! Encrypted archives: whose passphrase is asked for, what is tried, what stays locked.

use super::{jobs::JobId, library::LockedArchive, state::Workspace};
use crate::{dicom::archive::Keyring, model::passphrase::Passphrase};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the workspace knows of encrypted archives.
#[derive(Debug, Default)]
pub struct Passphrases {
    /// Those that were given, shared with the readers. In memory only.
    pub keys: Keyring,
    /// The question that the user sees.
    pub asking: Option<Asking>,
    /// Archives that the user leaves locked.
    declined: HashSet<Arc<Path>>,
}

/// A question for the passphrase of an archive.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Which archive, and how much of it.
    pub locked: LockedArchive,
    /// The passphrase that was tried last opened nothing.
    pub wrong: bool,
    tried: Option<(JobId, Passphrase)>,
}

impl Asking {
    /// Whether a passphrase is being tried.
    pub const fn is_trying(&self) -> bool {
        self.tried.is_some()
    }
}

impl Passphrases {
    fn next(&mut self, locked: &[LockedArchive]) {
        let next = locked.iter().find(|l| !self.declined.contains(&l.path));
        self.asking = next.map(|locked| Asking {
            locked: locked.clone(),
            wrong: false,
            tried: None,
        });
    }

    /// A reading ended: the answer to what was tried, or a new question.
    pub(super) fn after(&mut self, done: JobId, locked: &[LockedArchive]) {
        let Some(asking) = &mut self.asking else {
            return self.next(locked);
        };
        let Some((_, passphrase)) = asking.tried.take_if(|(job, _)| *job == done) else {
            return;
        };
        self.keys.forget_unproven(&passphrase);
        match locked.iter().find(|l| l.path == asking.locked.path) {
            Some(still) => {
                asking.wrong = still.members >= asking.locked.members;
                asking.locked = still.clone();
            }
            None => self.next(locked),
        }
    }

    /// What is opened anew is asked for anew.
    pub(super) fn opening(&mut self, paths: &[PathBuf]) {
        let named = |archive: &Path| {
            paths
                .iter()
                .any(|p| archive.starts_with(p) || p.starts_with(archive))
        };
        self.declined.retain(|archive| !named(archive));
    }

    /// Forgets all passphrases.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.asking = None;
        self.declined.clear();
    }
}

impl Workspace {
    /// Tries a passphrase on the archive that is asked about.
    pub(super) fn try_passphrase(&mut self, passphrase: Passphrase) {
        let Some(asking) = &mut self.passphrases.asking else {
            return;
        };
        if asking.is_trying() {
            return;
        }
        let job = self.jobs.start("job-reading");
        asking.tried = Some((job.id, passphrase.clone()));
        let paths = vec![asking.locked.path.to_path_buf()];
        self.passphrases.keys.add(passphrase);
        self.begin_scan(job, paths);
    }

    /// Leaves an archive locked and asks for the next one.
    pub(super) fn leave_locked(&mut self) {
        if let Some(asking) = self.passphrases.asking.take() {
            self.passphrases.declined.insert(asking.locked.path);
            self.passphrases.next(&self.library.locked);
        }
    }

    /// Asks again for what was left locked.
    pub(super) fn ask_passphrase(&mut self) {
        self.passphrases.declined.clear();
        self.passphrases.next(&self.library.locked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(path: &str, members: usize) -> LockedArchive {
        LockedArchive {
            path: Arc::from(Path::new(path)),
            members,
        }
    }

    fn about(passphrases: &Passphrases) -> Option<(String, usize, bool)> {
        let asking = passphrases.asking.as_ref()?;
        let path = asking.locked.path.to_string_lossy().into_owned();
        Some((path, asking.locked.members, asking.wrong))
    }

    fn tried(passphrases: &mut Passphrases, job: JobId) {
        let passphrase = Passphrase::new("p");
        passphrases.keys.add(passphrase.clone());
        passphrases.asking.as_mut().unwrap().tried = Some((job, passphrase));
    }

    #[test]
    fn a_wrong_passphrase_is_said_and_forgotten() {
        let mut all = Passphrases::default();
        let archives = [locked("a.zip", 3), locked("b.zip", 1)];
        all.after(1, &archives);
        assert_eq!(about(&all), Some(("a.zip".into(), 3, false)));
        tried(&mut all, 2);
        // Another reading ends meanwhile.
        all.after(7, &archives);
        assert!(all.asking.as_ref().unwrap().is_trying());
        all.after(2, &archives);
        assert_eq!(about(&all), Some(("a.zip".into(), 3, true)));
        assert!(all.keys.is_empty());
        // It opens some of them: what is left is asked for without a reproach.
        tried(&mut all, 3);
        all.after(3, &[locked("a.zip", 1), locked("b.zip", 1)]);
        assert_eq!(about(&all), Some(("a.zip".into(), 1, false)));
        tried(&mut all, 4);
        all.after(4, &[locked("b.zip", 1)]);
        assert_eq!(about(&all), Some(("b.zip".into(), 1, false)));
        tried(&mut all, 5);
        all.after(5, &[]);
        assert_eq!(about(&all), None);
    }

    #[test]
    fn what_is_left_locked_is_not_asked_for_until_it_is_opened_anew() {
        let mut all = Passphrases::default();
        let archives = [locked("disc/a.zip", 3)];
        all.declined.insert(Arc::clone(&archives[0].path));
        all.after(1, &archives);
        assert_eq!(about(&all), None);
        all.opening(&[PathBuf::from("elsewhere")]);
        all.after(2, &archives);
        assert_eq!(about(&all), None);
        all.opening(&[PathBuf::from("disc")]);
        all.after(3, &archives);
        assert!(about(&all).is_some());
    }
}
