//! What the user wishes of a picture that leaves the window: the one view or all, how large, with identity or without.

/// A picture, please.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureWish {
    /// All views, else the active one.
    pub all: bool,
    /// Names, numbers and dates are drawn.
    pub identity: bool,
    /// Pixels; as on the screen when absent.
    pub size: Option<[u32; 2]>,
    /// Height that the picture has on the screen, points: what text is measured by.
    pub height_points: u32,
}

/// Largest side of a picture, pixels.
pub const MAX_SIDE: u32 = 16_384;

impl PictureWish {
    /// The size that is drawn: what was asked for, within what a graphics device and a file can hold.
    pub fn pixels(&self, on_screen: [u32; 2], device_limit: u32) -> [u32; 2] {
        let limit = MAX_SIDE.min(device_limit).max(1);
        self.size.unwrap_or(on_screen).map(|s| s.clamp(1, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_within_the_device() {
        let wish = |size| PictureWish {
            all: true,
            identity: false,
            size,
            height_points: 100,
        };
        assert_eq!(wish(None).pixels([640, 480], 8192), [640, 480]);
        assert_eq!(wish(Some([40_000, 0])).pixels([1, 1], 8192), [8192, 1]);
    }
}
