//! What takes the place of what identifies: pseudonyms, UIDs and shifts of dates, all from one secret.
//!
//! Must stay true: without the secret nobody can say what stood there, and with it the same is always replaced by the
//! same. Every value is an HMAC with SHA-256 (RFC 2104) of what stood there and of what it is for.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::{fmt, fs, io, path::Path};
use zeroize::Zeroizing;

/// Bytes of a secret.
const LENGTH: usize = 32;

/// First line of a key file.
const MARK: &str = "negatoscope de-identification key 1";

/// Most days that dates are moved back by: ten years.
const MOST_DAYS: u64 = 3653;

/// The secret of a run, or of many that are to agree.
pub struct Secret(Zeroizing<[u8; LENGTH]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn refused(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl Secret {
    /// A secret that nobody keeps: runs cannot be linked.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        getrandom::fill(&mut *bytes).map_err(|_| io::Error::other("no random numbers"))?;
        Ok(Self(bytes))
    }

    /// The secret of given bytes, for tests and benches.
    pub fn of_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key file, or makes one where there is none, for its owner alone.
    ///
    /// # Errors
    /// `InvalidData` when it is no key file; those of the disk.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&Zeroizing::new(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(refused("this is not a key file of de-identification"))
            }
            Err(error) => Err(error),
        }
    }

    fn make(path: &Path) -> io::Result<Self> {
        use io::Write as _;
        let secret = Self::random()?;
        let digits: String = secret.0.iter().map(|b| format!("{b:02x}")).collect();
        let text = Zeroizing::new(format!("{MARK}\n{digits}\n"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(secret)
    }

    fn parse(text: &str) -> io::Result<Self> {
        let mut lines = text.lines();
        let (mark, digits) = (lines.next(), lines.next().unwrap_or_default());
        let right = mark == Some(MARK) && digits.len() == 2 * LENGTH && digits.is_ascii();
        if !right {
            return Err(refused("this is not a key file of de-identification"));
        }
        let mut bytes = Zeroizing::new([0; LENGTH]);
        for (slot, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            let digit = |b: u8| char::from(b).to_digit(16);
            let pair = pair.iter().map(|b| digit(*b)).collect::<Option<Vec<u32>>>();
            let Some([high, low]) = pair.as_deref() else {
                return Err(refused("this is not a key file of de-identification"));
            };
            *slot = (high * 16 + low) as u8;
        }
        Ok(Self(bytes))
    }

    fn mac(&self, purpose: &str, what: &[u8]) -> [u8; 32] {
        // A key of 32 bytes is never refused.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return [0; 32];
        };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(what);
        mac.finalize().into_bytes().into()
    }

    /// The UID in the place of another: one of the form 2.25 (PS3.5 section B.2).
    pub(super) fn uid(&self, uid: &str) -> String {
        let mac = self.mac("uid", uid.as_bytes());
        let mut number = [0; 16];
        for (slot, byte) in number.iter_mut().zip(mac) {
            *slot = byte;
        }
        number[6] = (number[6] & 0x0F) | 0x80;
        number[8] = (number[8] & 0x3F) | 0x80;
        format!("2.25.{}", u128::from_be_bytes(number))
    }

    /// The pseudonym of a patient: ten letters and digits that cannot be mistaken for each other.
    pub(super) fn pseudonym(&self, patient: &str) -> String {
        self.letters("patient", patient.as_bytes(), 10)
    }

    /// How many days the dates of a patient are moved back, at least one.
    pub(super) fn days(&self, patient: &str) -> i64 {
        let mac = self.mac("days", patient.as_bytes());
        let mut number = [0; 8];
        for (slot, byte) in number.iter_mut().zip(mac) {
            *slot = byte;
        }
        1 + i64::try_from(u64::from_le_bytes(number) % MOST_DAYS).unwrap_or(0)
    }

    /// Capital letters and digits for a name of a file.
    pub(super) fn letters(&self, purpose: &str, what: &[u8], count: usize) -> String {
        // Crockford's: without I, L, O and U.
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mac = self.mac(purpose, what);
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % 32]);
        mac.iter().take(count).map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_gives_the_same_again_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = Secret::of_file(&path).unwrap();
        let again = Secret::of_file(&path).unwrap();
        assert_eq!(made.uid("1.2.3"), again.uid("1.2.3"));
        assert_ne!(made.uid("1.2.3"), made.uid("1.2.4"));
        assert_ne!(made.uid("1.2.3"), Secret::random().unwrap().uid("1.2.3"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        for text in ["", "some text", &format!("{MARK}\nzz\n")] {
            fs::write(&path, text).unwrap();
            let error = Secret::of_file(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn replacements_are_well_formed() {
        let secret = Secret::of_bytes([1; 32]);
        let uid = secret.uid("1.2.840.113619.2.1");
        assert!(uid.len() <= 64 && uid.starts_with("2.25."));
        assert_eq!(secret.pseudonym("DOE").len(), 10);
        let days: Vec<i64> = (0..2000).map(|i| secret.days(&i.to_string())).collect();
        assert!(days.iter().all(|d| (1..=3653).contains(d)));
        assert!(days.iter().max() > Some(&3500) && days.iter().min() < Some(&100));
    }
}
