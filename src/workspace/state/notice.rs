//! What the workspace tells the user.

/// A message to the user.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Key of the message catalogue.
    pub key: &'static str,
    /// Identity-free detail.
    pub detail: String,
    /// How many, where the message says a number.
    pub count: usize,
    /// When it came.
    pub since: std::time::Instant,
}

/// How long a message stays that says only that there is nothing, or that something was done.
const PASSING: std::time::Duration = std::time::Duration::from_secs(8);

impl Notice {
    /// How long it stays yet; `None` for what somebody has to take note of, which stays until it is closed.
    pub fn left(&self) -> Option<std::time::Duration> {
        let nothing = [
            "notice-no-prior",
            "notice-none-unread",
            "notice-no-key-images",
        ];
        let passing = nothing.contains(&self.key) || !self.is_warning();
        passing.then(|| PASSING.saturating_sub(self.since.elapsed()))
    }

    /// Whether something went wrong.
    pub fn is_warning(&self) -> bool {
        !self.key.starts_with("notice-restored")
            && !["-imported", "-exported", "-copied", "-saved", "-curve-read"]
                .iter()
                .any(|end| self.key.ends_with(end))
    }
}
