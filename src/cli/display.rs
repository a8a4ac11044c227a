//! `negatoscope display`: test pictures for screens, and what makes a screen follow PS3.14.

use super::{Common, Exit, Output, series::Refusal};
use crate::{
    files::write_whole,
    formats::png::write_picture,
    imaging::{
        gsdf::{self, DisplayCurve, contrast_deviation},
        pattern::Pattern,
    },
};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{fmt::Write as _, fs, path::PathBuf};

/// Arguments of `display`.
#[derive(Debug, Args)]
pub struct DisplayArgs {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What `display` does.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Draw a test picture: steps, ramps, lines, geometry, bright or dark
    Pattern(PatternArgs),
    /// The driving level of each P-value for a screen
    Table(TableArgs),
    /// Luminance of just-noticeable differences, and back
    Jnd(JndArgs),
}

/// How a screen's luminance was measured.
#[derive(Debug, Args)]
pub struct CurveArgs {
    /// Measured luminances: lines `level,luminance` from level 0 to 255
    #[arg(long, value_name = "FILE.csv", conflicts_with = "luminance")]
    pub curve: Option<PathBuf>,
    /// Darkest and brightest luminance, stray light (all cd/m²) and gamma
    #[arg(long, value_name = "MIN,MAX,AMBIENT,GAMMA", value_parser = parse_luminance)]
    pub luminance: Option<[f64; 4]>,
}

/// Arguments of `display pattern`.
#[derive(Debug, Args)]
pub struct PatternArgs {
    /// Which picture
    #[arg(value_parser = parse_pattern)]
    pub pattern: Pattern,
    /// Width and height: those of the screen
    #[arg(long, value_name = "WxH", value_parser = super::render::parse_size, default_value = "1920x1080")]
    pub size: [u32; 2],
    /// The picture, 8 bits
    #[arg(long, value_name = "FILE.png")]
    pub out: PathBuf,
    /// Make it for this screen
    #[command(flatten)]
    pub curve: CurveArgs,
}

/// Arguments of `display table`.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// The table: lines `p_value,level,luminance,target`
    #[arg(long, value_name = "FILE.csv")]
    pub out: Option<PathBuf>,
    /// The screen
    #[command(flatten)]
    pub curve: CurveArgs,
}

/// Arguments of `display jnd`.
#[derive(Debug, Args)]
pub struct JndArgs {
    /// JND indices, 1 to 1023
    pub index: Vec<f64>,
    /// Luminances whose index is wanted, cd/m²
    #[arg(long, value_name = "CD_M2")]
    pub luminance: Vec<f64>,
}

fn parse_pattern(text: &str) -> Result<Pattern, String> {
    let found = Pattern::ALL.into_iter().find(|p| p.name() == text);
    found.ok_or_else(|| {
        let names = Pattern::ALL.map(Pattern::name).join(", ");
        format!("there is no pattern `{text}`; there are {names}")
    })
}

fn parse_luminance(text: &str) -> Result<[f64; 4], String> {
    let numbers: Vec<f64> = text
        .split(',')
        .filter_map(|part| part.trim().parse::<f64>().ok())
        .collect();
    numbers
        .try_into()
        .map_err(|_| format!("`{text}` is not four numbers"))
}

/// Largest file of measured luminances that is read.
const MAX_CURVE_BYTES: u64 = 1 << 20;

impl CurveArgs {
    fn read(&self) -> Result<Option<DisplayCurve>, Refusal> {
        let usage = |error: gsdf::CurveError| Refusal::new(Exit::Usage, error.to_string());
        if let Some([low, high, ambient, gamma]) = self.luminance {
            let curve = DisplayCurve::power_law(low, high, ambient, gamma);
            return curve.map(Some).map_err(usage);
        }
        let Some(path) = &self.curve else {
            return Ok(None);
        };
        let failed = |what: String| Refusal::new(Exit::Io, format!("{what}: {}", path.display()));
        let size = fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
        if size > MAX_CURVE_BYTES {
            return Err(failed("this is no table of luminances".to_owned()));
        }
        let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        DisplayCurve::from_csv(&text).map(Some).map_err(usage)
    }
}

/// Runs `display`.
pub fn run(args: &DisplayArgs, common: &Common, out: &mut Output) -> Exit {
    let done = match &args.what {
        What::Pattern(args) => pattern(args),
        What::Table(args) => table(args),
        What::Jnd(args) => Ok(jnd(args)),
    };
    match done {
        Ok((report, text)) => {
            if common.json {
                out.json(&report);
            } else {
                out.line(text);
            }
            Exit::Done
        }
        Err(refusal) => {
            out.error(refusal.message);
            refusal.exit
        }
    }
}

type Report = (serde_json::Value, String);

fn pattern(args: &PatternArgs) -> Result<Report, Refusal> {
    let curve = args.curve.read()?;
    let mut picture = args.pattern.draw(args.size);
    if let Some(curve) = &curve {
        let table = curve.table();
        for level in &mut picture.levels {
            *level = table.get(usize::from(*level)).copied().unwrap_or(*level);
        }
    }
    let [width, height] = picture.size;
    let grey = image::ExtendedColorType::L8;
    write_picture(&args.out, &picture.levels, picture.size, grey)
        .map_err(|e| Refusal::new(Exit::Io, format!("{e}: {}", args.out.display())))?;
    let report = json!({
        "pattern": args.pattern.name(),
        "width": width,
        "height": height,
        "calibrated": curve.is_some(),
    });
    let text = format!("{} {width}x{height}", args.pattern.name());
    Ok((report, text))
}

fn table(args: &TableArgs) -> Result<Report, Refusal> {
    let curve = args.curve.read()?.ok_or_else(|| {
        let text = "a table needs --curve or --luminance";
        Refusal::new(Exit::Usage, text)
    })?;
    let table = curve.table();
    let (low, high) = curve.extremes();
    let before = contrast_deviation(|level| curve.luminance(level));
    let after = contrast_deviation(|p| {
        let level = table.get(usize::from(p)).copied().unwrap_or(p);
        curve.luminance(level)
    });
    if let Some(path) = &args.out {
        let mut text = "p_value,level,luminance,target\n".to_owned();
        for (p, level) in table.iter().enumerate() {
            let target = curve.target(p as f64 / 255.0);
            let _ = writeln!(
                text,
                "{p},{level},{:.4},{target:.4}",
                curve.luminance(*level)
            );
        }
        let failed = |e| Refusal::new(Exit::Io, format!("{e}: {}", path.display()));
        write_whole(path, text.as_bytes()).map_err(failed)?;
    }
    let report = json!({
        "darkest_cd_m2": low,
        "brightest_cd_m2": high,
        "jnd": [gsdf::jnd(low), gsdf::jnd(high)],
        "contrast_deviation_before": before,
        "contrast_deviation_after": after,
        "table": table.to_vec(),
    });
    let text = format!(
        "{low:.2} to {high:.1} cd/m2, JND {:.1} to {:.1}; largest deviation of contrast over 18 steps: {:.1} % as it is, {:.1} % with the table",
        gsdf::jnd(low),
        gsdf::jnd(high),
        100.0 * before,
        100.0 * after
    );
    Ok((report, text))
}

fn jnd(args: &JndArgs) -> Report {
    let mut text = String::new();
    let mut rows = vec![];
    let of_index = args.index.iter().map(|&j| (j, gsdf::luminance(j)));
    let of_luminance = args.luminance.iter().map(|&l| (gsdf::jnd(l), l));
    for (index, luminance) in of_index.chain(of_luminance) {
        rows.push(json!({"jnd": index, "luminance_cd_m2": luminance}));
        let _ = writeln!(text, "{index:.7}\t{luminance:.7} cd/m2");
    }
    (json!(rows), text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_checked() {
        assert_eq!(parse_pattern("lines"), Ok(Pattern::Lines));
        assert!(parse_pattern("TG18-QC").is_err());
        assert_eq!(
            parse_luminance("0.3, 350,0.2,2.2"),
            Ok([0.3, 350.0, 0.2, 2.2])
        );
        assert!(parse_luminance("0.3,350").is_err());
        let (report, text) = jnd(&JndArgs {
            index: vec![512.0],
            luminance: vec![130.065_284_012_159_8],
        });
        assert_eq!(
            text,
            "512.0000000\t130.0652840 cd/m2\n511.9964807\t130.0652840 cd/m2"
        );
        assert_eq!(report.as_array().map(Vec::len), Some(2));
    }
}
