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

impl Notice {
    /// Whether something went wrong.
    pub fn is_warning(&self) -> bool {
        !self.key.starts_with("notice-restored")
            && !["-imported", "-exported", "-copied", "-saved"]
                .iter()
                .any(|end| self.key.ends_with(end))
    }
}
