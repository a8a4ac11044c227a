//! What an object says about the times of its frames: Cine module (PS3.3 C.7.6.5) and Multi-frame module (C.7.6.6).

/// Times and rates as they are in the file; impossible ones are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CineFacts {
    /// Frame Time Vector (0018,1065): milliseconds from each frame's predecessor, the first being 0. Empty when absent.
    pub frame_time_vector_ms: Vec<f64>,
    /// Frame Time (0018,1063), ms.
    pub frame_time_ms: Option<f64>,
    /// Recommended Display Frame Rate (0008,2144), frames a second.
    pub recommended_rate: Option<f64>,
    /// Cine Rate (0018,0040), frames a second.
    pub cine_rate: Option<f64>,
    /// Preferred Playback Sequencing (0018,1244) is 1: forth and back.
    pub sweep: bool,
    /// Start Trim (0008,2142) and Stop Trim (0008,2143): first and last frame to be shown, counted from 1.
    pub trim: [Option<usize>; 2],
}

impl CineFacts {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
