//! What a job will take, and what is free, before it begins.

use super::plan::Plan;
use crate::{
    ai::{AiError, BurnDevice, network::Network},
    gpu::{MaskBits, MaskVolume},
};

/// Share of the windows that overlaps with the next.
pub const OVERLAP: f64 = 0.5;

/// What is left to everything else where memory is shared with the rest of the machine.
const RESERVE: u64 = 256 << 20;

/// Assumed where the system does not say what is free.
const UNKNOWN_FREE: u64 = 2 << 30;

/// In which order windows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nearest to the reader first.
    Nearest,
    /// Slice by slice, which keeps fewer sums open.
    Layers,
}

/// How a job will run.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Size of a window.
    pub window: [usize; 3],
    /// The order.
    pub order: Order,
    /// Bytes that it takes, by estimate.
    pub need: u64,
    /// The window is smaller than the one that the network was trained on.
    pub smaller: bool,
}

/// What memory is there.
#[derive(Clone, Copy, Debug)]
pub enum Free {
    /// So many bytes.
    Bytes(u64),
    /// As long as the device gives them.
    Ask,
}

impl Free {
    /// What is free for a device, less a reserve. `limit` is what the user allows at most.
    pub fn of(device: &BurnDevice, limit: Option<u64>) -> Self {
        let shared = device.context().is_none_or(|gpu| gpu.is_software());
        let bytes = match shared {
            true => Some(
                available_memory()
                    .unwrap_or(UNKNOWN_FREE)
                    .saturating_sub(RESERVE),
            ),
            false => None,
        };
        match (bytes, limit) {
            (Some(bytes), Some(limit)) => Self::Bytes(bytes.min(limit)),
            (Some(bytes), None) => Self::Bytes(bytes),
            (None, Some(limit)) => Self::Bytes(limit),
            (None, None) => Self::Ask,
        }
    }

    fn holds(self, need: u64, device: &BurnDevice) -> bool {
        match self {
            Self::Bytes(free) => need <= free,
            Self::Ask => device.context().is_some_and(|gpu| gpu.has_room(need)),
        }
    }
}

/// Memory that the system could give without swapping.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

/// Bytes of a job: the pass, the mask, the weights of the window, the sums.
fn need(network: &dyn Network, plan: &Plan, order: Order) -> u64 {
    let [slices, rows, columns] = plan.size();
    let window = plan.window();
    let positions = match order {
        Order::Nearest => plan.positions(),
        Order::Layers => plan.open_in_order(),
    };
    let sums = 4 * positions * (network.shape().classes as u64 + 1);
    let own = 4 * window.iter().map(|n| *n as u64).product::<u64>();
    network
        .memory(1, window)
        .total()
        .saturating_add(MaskVolume::bytes_of(
            [columns, rows, slices],
            MaskBits::Eight,
        ))
        .saturating_add(sums)
        .saturating_add(own)
}

/// The best way to run that what is free allows: the trained window, nearest first; the trained window in layers; a
/// smaller window. `largest` is what one binding of the device holds.
pub fn choose(
    network: &dyn Network,
    size: [usize; 3],
    free: Free,
    device: &BurnDevice,
) -> Result<Budget, AiError> {
    let shape = network.shape();
    let largest = device.context().map_or(u64::MAX, |gpu| {
        let limits = gpu.device.limits();
        limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size)
    });
    let mut window = shape.patch;
    let mut least: Option<u64> = None;
    loop {
        let plan = Plan::new(size, window, OVERLAP)?;
        let binds = network.memory(1, window).largest <= largest;
        for order in [Order::Nearest, Order::Layers] {
            let need = need(network, &plan, order);
            if binds && free.holds(need, device) {
                return Ok(Budget {
                    window,
                    order,
                    need,
                    smaller: window != shape.patch,
                });
            }
            if binds {
                least = Some(least.map_or(need, |l| l.min(need)));
            }
        }
        // The longest side that can still be shortened loses a quarter, in whole steps of the network.
        let shorter = |axis: usize| {
            let multiple = shape.multiple[axis];
            let wanted = (window[axis] * 3 / 4) / multiple * multiple;
            // A window must be worth its edges: half of what the network was made for at least.
            (wanted >= multiple && 2 * wanted >= shape.patch[axis] && wanted < window[axis])
                .then_some(wanted)
        };
        let next = (0..3)
            .filter_map(|axis| shorter(axis).map(|side| (window[axis], axis, side)))
            .max();
        match next {
            Some((_, axis, side)) => window[axis] = side,
            None => return Err(refusal(least, free, largest, network, window)),
        }
    }
}

fn refusal(
    least: Option<u64>,
    free: Free,
    largest: u64,
    network: &dyn Network,
    window: [usize; 3],
) -> AiError {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let Some(least) = least else {
        return AiError::Memory(format!(
            "its smallest window needs a tensor of {} MiB, and this device binds {} MiB at once",
            mib(network.memory(1, window).largest),
            mib(largest)
        ));
    };
    AiError::Memory(match free {
        Free::Bytes(free) => format!(
            "it needs {} MiB at least, and {} MiB are free",
            mib(least),
            mib(free)
        ),
        Free::Ask => format!(
            "it needs {} MiB at least, and the device does not give them",
            mib(least)
        ),
    })
}
