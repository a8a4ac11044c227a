//! The program's own measured work.
//!
//! One JSON object a case, with the fields of the bench contract: `wall_ms`, `cpu_ms`, `bytes_read`, `bytes_copied`,
//! `bytes_uploaded`, `bytes_readback`, `frames`, `allocs`, `peak_rss`, `floor_ms`, `adapter`, `git`. A number that
//! cannot be had here is `null`, never a guess. No thresholds: a script outside compares with peers and floors.
//!
//! Must stay true: what is measured is the code that the window and the commands use; inputs are made before the
//! clock runs. Floors are measured in the same run, interleaved with the work that they are the floor of.

mod deid;
mod drawing;
mod floor;
mod generate;
mod harm;
mod image;
mod journal;
mod listing;
mod masks;
mod measure;
mod mutants;
#[cfg(feature = "ai")]
mod network;
#[cfg(all(feature = "ai", feature = "screen"))]
mod network_window;
mod painting;
mod people;
mod process;
mod resident;
#[cfg(feature = "screen")]
mod scenery;
mod series;
mod slab;
mod store;
#[cfg(feature = "screen")]
mod storm;
#[cfg(feature = "screen")]
mod ui;
#[cfg(feature = "screen")]
mod undoing;
mod window;
#[cfg(feature = "screen")]
mod window_frame;

use crate::console::{Common, Exit, Output};
use clap::{Args, Subcommand};
use measure::Case;
use std::fmt::Display;

/// Arguments of `bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// What is measured.
    #[command(subcommand)]
    pub what: Bench,
}

/// The benches.
#[derive(Clone, Debug, Subcommand)]
pub enum Bench {
    /// What this machine can do: copy, read, draw, multiply
    Floor(floor::FloorArgs),
    /// Make a standard input: CT300, CT3000, MG, VOL8G, DX10K, TREE100K or READING
    Gen(generate::GenArgs),
    /// Headers of a folder to sorted series
    Scan(series::SeriesArgs),
    /// Copies without identity of a folder
    Deid(series::SeriesArgs),
    /// A segmentation object of a whole series, written and read
    Seg(masks::SegArgs),
    /// A series to a volume in memory
    Load(series::SeriesArgs),
    /// From a known series to its first slice on the screen
    FirstSlice(series::SeriesArgs),
    /// A volume to the graphics device
    Upload(series::SeriesArgs),
    /// Growing, components, filters and resampling of a whole volume
    Image(image::ImageArgs),
    /// One picture again and again
    Frame(drawing::FrameArgs),
    /// Paging through a series
    Scroll(drawing::ScrollArgs),
    /// What the window's own thread does for a frame, and how soon things open
    #[cfg(feature = "screen")]
    Ui(ui::UiArgs),
    /// Edits taken back and done again: time and memory
    #[cfg(feature = "screen")]
    Undo(undoing::UndoArgs),
    /// Stamps of a brush into a volume, and strokes taken back and done again
    Brush(painting::BrushArgs),
    /// Searching the list of studies while one types
    List(listing::ListArgs),
    /// From the start of the process to the window's first frame
    Start(window::StartArgs),
    /// Frames and processor time of the window while nothing happens
    Idle(window::IdleArgs),
    /// Memory with a series loaded, or with a window's share of it
    Mem(resident::MemArgs),
    /// Damaged copies of files, read and decoded as `inspect --decode` does
    Mutants(mutants::MutantsArgs),
    /// Edits of a process that is killed at random moments: what was acknowledged is there, bit for bit
    Kill(journal::KillArgs),
    /// Copies of a store of which a bit is changed or a file is cut: seen, repaired, restored
    Damage(harm::DamageArgs),
    /// Wrong passphrases: none opens, none is taken for damage
    Passphrases(harm::PassphraseArgs),
    /// Forged logs of a store: each is seen, at the first entry that is not as it was
    Forgery(harm::ForgeryArgs),
    /// Words of many reports in the encrypted store: made, added, asked for
    Store(store::StoreArgs),
    /// Random switches between patients while things are late: nothing of anybody else is on the screen
    #[cfg(feature = "screen")]
    Switches(storm::StormArgs),
    /// A journal of many commits: how long opening it takes
    Replay(journal::ReplayArgs),
    /// A segmentation network
    #[cfg(feature = "ai")]
    Unet(network::UnetArgs),
    /// Frames of the window while a network runs beside them, and without
    #[cfg(all(feature = "ai", feature = "screen"))]
    Network(network_window::NetworkArgs),
}

/// Why a bench did not run.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn new(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
        }
    }
}

impl From<crate::gpu::GpuError> for Failure {
    fn from(error: crate::gpu::GpuError) -> Self {
        Self::new(Exit::Unsupported, error)
    }
}

impl From<crate::phantom::PhantomError> for Failure {
    fn from(error: crate::phantom::PhantomError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

/// Runs `bench`.
pub fn run(args: &BenchArgs, common: &Common, out: &mut Output) -> Exit {
    // The window is measured on the main thread, where toolkits want to be.
    #[cfg(feature = "screen")]
    if let Bench::Ui(args) = &args.what {
        let mut cases = Cases {
            out,
            json: common.json,
        };
        // Allocations are counted on the main thread.
        return ended(ui::run(args, common, &mut cases), cases.out);
    }
    if let Bench::Start(_) | Bench::Idle(_) = &args.what {
        let mut cases = Cases {
            out,
            json: common.json,
        };
        let done = match &args.what {
            Bench::Start(args) => window::start(args, common, &mut cases),
            Bench::Idle(args) => window::idle(args, common, &mut cases),
            _ => Ok(()),
        };
        return ended(done, cases.out);
    }
    let threads = common.jobs.unwrap_or(0);
    let pool = match rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("bench {i}"))
        .build()
    {
        Ok(pool) => pool,
        Err(error) => {
            out.error(error.to_string());
            return Exit::Internal;
        }
    };
    let mut cases = Cases {
        out,
        json: common.json,
    };
    let done = pool.install(|| match &args.what {
        Bench::Floor(args) => floor::run(args, &mut cases),
        Bench::Gen(args) => generate::run(args, common, &mut cases),
        Bench::Scan(args) => series::scan(args, &mut cases),
        Bench::Deid(args) => deid::run(args, &mut cases),
        Bench::Seg(args) => masks::run(args, &mut cases),
        Bench::Load(args) => series::load(args, &mut cases),
        Bench::FirstSlice(args) => series::first_slice(args, &mut cases),
        Bench::Upload(args) => series::upload(args, &mut cases),
        Bench::Image(args) => image::run(args, &mut cases),
        Bench::Frame(args) => drawing::frame(args, common, &mut cases),
        Bench::Scroll(args) => drawing::scroll(args, common, &mut cases),
        Bench::Brush(args) => painting::run(args, &mut cases),
        Bench::List(args) => listing::run(args, common, &mut cases),
        Bench::Mem(args) => resident::run(args, common, &mut cases),
        Bench::Mutants(args) => mutants::run(args, common, &mut cases),
        Bench::Kill(args) => journal::kill(args, common, &mut cases),
        Bench::Damage(args) => harm::damage(args, common, &mut cases),
        Bench::Passphrases(args) => harm::passphrases(args, common, &mut cases),
        Bench::Forgery(args) => harm::forgery(args, common, &mut cases),
        Bench::Replay(args) => journal::replay(args, &mut cases),
        Bench::Store(args) => store::run(args, common, &mut cases),
        #[cfg(feature = "screen")]
        Bench::Undo(args) => undoing::run(args, common, &mut cases),
        #[cfg(feature = "screen")]
        Bench::Switches(args) => storm::run(args, common, &mut cases),
        Bench::Start(_) | Bench::Idle(_) => Ok(()),
        #[cfg(feature = "screen")]
        Bench::Ui(_) => Ok(()),
        #[cfg(feature = "ai")]
        Bench::Unet(args) => network::run(args, common, &mut cases),
        #[cfg(all(feature = "ai", feature = "screen"))]
        Bench::Network(args) => network_window::run(args, common, &mut cases),
    });
    ended(done, cases.out)
}

fn ended(done: Result<(), Failure>, out: &mut Output) -> Exit {
    match done {
        Ok(()) => Exit::Done,
        Err(failure) => {
            out.error(failure.message);
            failure.exit
        }
    }
}

/// Where finished cases go, one line each.
struct Cases<'a> {
    out: &'a mut Output,
    json: bool,
}

impl Cases<'_> {
    fn push(&mut self, case: &Case) {
        if self.json {
            self.out.json(case);
        } else {
            self.out.line(case.sentence());
        }
        self.out.flush();
    }
}
