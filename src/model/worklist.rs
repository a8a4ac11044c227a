//! Lists of studies to read: how soon a study is wanted, and what is searched for under a name.

/// How soon a study is wanted: Requested Procedure Priority (0040,1003), else Study Priority ID (0032,000C).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Not said.
    #[default]
    Unknown,
    /// LOW.
    Low,
    /// ROUTINE or MEDIUM.
    Routine,
    /// HIGH.
    High,
    /// STAT.
    Stat,
}

impl Priority {
    /// All, the least first.
    pub const ALL: [Self; 5] = [
        Self::Unknown,
        Self::Low,
        Self::Routine,
        Self::High,
        Self::Stat,
    ];

    /// Its stable name; empty when it is not said.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Low => "low",
            Self::Routine => "routine",
            Self::High => "high",
            Self::Stat => "stat",
        }
    }

    /// Reads the defined terms of both attributes (PS3.3 C.4.11 and retired C.3.2); anything else is unknown.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "stat" => Self::Stat,
            "high" => Self::High,
            "routine" | "medium" => Self::Routine,
            "low" => Self::Low,
            _ => Self::Unknown,
        }
    }
}

/// What is searched for again and again, under a name.
#[derive(Clone, PartialEq, Eq)]
pub struct Worklist {
    /// The user's name for it.
    pub name: String,
    /// What is searched for, as typed. It may name a patient, so it has no `Debug`.
    pub query: String,
}

impl std::fmt::Debug for Worklist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worklist([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for priority in Priority::ALL {
            assert_eq!(Priority::parse(priority.name()), priority);
        }
        assert_eq!(Priority::parse("MEDIUM "), Priority::Routine);
        assert_eq!(Priority::parse("urgent"), Priority::Unknown);
    }

    #[test]
    fn debug_never_reveals() {
        let list = Worklist {
            name: "Chen".into(),
            query: "chen".into(),
        };
        assert!(!format!("{list:?}").to_lowercase().contains("chen"));
    }
}
