//! Units by UCUM (The Unified Code for Units of Measure): whether a text is one, and how people write them otherwise.

/// Metric atoms, which may have a prefix.
const METRIC: &str = "m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L t u pc bar eq osm \
    kat U [iU] [IU] cal [Cal] B[10.nV] Np B Ci R RAD REM Bd bit By ar st Gal dyn erg P St Mx G Oe Gb Lmb ph kn m[Hg] \
    m[H2O] mol_cation g% eV";

/// Other atoms.
const PLAIN: &str = "% [ppth] [ppm] [ppb] [pi] min h d wk mo a a_j a_g mo_j deg ' '' gon [in_i] [ft_i] [yd_i] [mi_i] \
    [lb_av] [oz_av] [gr] [degF] [degR] [pH] [hp_X] [CFU] [PFU] [arb'U] [HPF] [LPF] [pptr] 10* 10^ [foz_us] [cup_us] \
    [tbs_us] [tsp_us] [drp] [Btu] atm [APL'U] [GPL'U] [MPL'U] [ELU] [EU] [Ch] [diop] [den] [car_m] [psi] [Ap'U] [FFU] \
    [TCID_50] [titer] [USP'U] [tb'U] [todd'U] [dye'U] [knk'U] [mclg'U] [beth'U] [acr_us] [D'ag'U] [AU] [S] att";

/// Prefixes, those of two letters first.
const PREFIXES: [&str; 24] = [
    "da", "Ki", "Mi", "Gi", "Ti", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d", "c", "m", "u",
    "n", "p", "f", "a", "z", "y",
];

/// How units are written that are no UCUM, or another UCUM of the same: (as written, UCUM). In small letters.
const WRITTEN: [(&str, &str); 62] = [
    ("mg/dl", "mg/dL"),
    ("g/dl", "g/dL"),
    ("ug/dl", "ug/dL"),
    ("mcg/dl", "ug/dL"),
    ("mcg/l", "ug/L"),
    ("mcg", "ug"),
    ("µg/l", "ug/L"),
    ("µmol/l", "umol/L"),
    ("umol/l", "umol/L"),
    ("micromol/l", "umol/L"),
    ("mmol/l", "mmol/L"),
    ("nmol/l", "nmol/L"),
    ("pmol/l", "pmol/L"),
    ("mg/l", "mg/L"),
    ("g/l", "g/L"),
    ("ng/ml", "ng/mL"),
    ("pg/ml", "pg/mL"),
    ("ug/ml", "ug/mL"),
    ("meq/l", "meq/L"),
    ("iu/l", "[iU]/L"),
    ("u/l", "U/L"),
    ("units/l", "U/L"),
    ("miu/l", "m[iU]/L"),
    ("µiu/ml", "u[iU]/mL"),
    ("uiu/ml", "u[iU]/mL"),
    ("mmhg", "mm[Hg]"),
    ("mm hg", "mm[Hg]"),
    ("°c", "Cel"),
    ("℃", "Cel"),
    ("degc", "Cel"),
    ("°f", "[degF]"),
    ("degf", "[degF]"),
    ("bpm", "/min"),
    ("beats/min", "/min"),
    ("/minute", "/min"),
    ("breaths/min", "/min"),
    ("次/分", "/min"),
    ("kgs", "kg"),
    ("公斤", "kg"),
    ("lb", "[lb_av]"),
    ("lbs", "[lb_av]"),
    ("pounds", "[lb_av]"),
    ("in", "[in_i]"),
    ("inch", "[in_i]"),
    ("inches", "[in_i]"),
    ("厘米", "cm"),
    ("k/ul", "10*3/uL"),
    ("k/µl", "10*3/uL"),
    ("10^3/ul", "10*3/uL"),
    ("10^3/µl", "10*3/uL"),
    ("x10^3/ul", "10*3/uL"),
    ("10^9/l", "10*9/L"),
    ("10e9/l", "10*9/L"),
    ("m/ul", "10*6/uL"),
    ("10^6/ul", "10*6/uL"),
    ("10^12/l", "10*12/L"),
    ("kg/m^2", "kg/m2"),
    ("kg/m²", "kg/m2"),
    ("ml/min/1.73m2", "mL/min/{1.73_m2}"),
    ("ml/min/1.73m^2", "mL/min/{1.73_m2}"),
    ("ml/min/1.73 m²", "mL/min/{1.73_m2}"),
    ("percent", "%"),
];

/// The UCUM unit of a text as people write it; `None` where it is not known, or is UCUM already.
pub fn spelled(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let small = text.to_lowercase();
    let (_, unit) = WRITTEN.iter().find(|(written, _)| *written == small)?;
    (*unit != text).then_some(unit)
}

/// Whether a text is a unit of UCUM in its case-sensitive form: terms parted by `.` and `/`, each an atom with prefix,
/// exponent and annotations, a number, an annotation, or terms in brackets (section 2.2 of the specification).
pub fn is_unit(text: &str) -> bool {
    if text.is_empty() || text.len() > 64 || text.contains(char::is_whitespace) {
        return false;
    }
    let body = text.strip_prefix('/').unwrap_or(text);
    let mut depth = 0_u32;
    let (mut square, mut curly) = (false, false);
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, c) in body.char_indices() {
        match c {
            '{' if !square && !curly => curly = true,
            '}' if curly => curly = false,
            '{' | '}' if !square => return false,
            _ if curly => {}
            '[' if !square => square = true,
            ']' if square => square = false,
            '[' | ']' => return false,
            '.' | '/' if !square => {
                parts.push(body.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            '(' if !square => depth += 1,
            ')' if !square => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    if depth != 0 || square || curly {
        return false;
    }
    parts.push(body.get(start..).unwrap_or_default());
    parts.into_iter().all(is_term)
}

fn is_term(part: &str) -> bool {
    let part = part.trim_start_matches('(').trim_end_matches(')');
    let part = match (part.find('{'), part.ends_with('}')) {
        (Some(0), true) => return part.len() > 2,
        (Some(at), true) => part.get(..at).unwrap_or_default(),
        (None, _) => part,
        _ => return false,
    };
    if part.is_empty() {
        return false;
    }
    if part.chars().all(|c| c.is_ascii_digit()) || atom(part) {
        return true;
    }
    // An exponent behind the atom.
    let stem = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = stem.strip_suffix(['+', '-']).unwrap_or(stem);
    stem.len() < part.len() && atom(stem)
}

fn atom(text: &str) -> bool {
    let known = |table: &str, text: &str| table.split_whitespace().any(|a| a == text);
    known(METRIC, text)
        || known(PLAIN, text)
        || PREFIXES
            .iter()
            .filter_map(|prefix| text.strip_prefix(prefix))
            .any(|rest| known(METRIC, rest))
}

/// Whether two units are the same, however the litre is written.
pub fn same(one: &str, other: &str) -> bool {
    let plain = |unit: &str| {
        unit.split('/')
            .map(|part| match part.strip_suffix('l') {
                Some(stem) if stem.is_empty() || PREFIXES.contains(&stem) => format!("{stem}L"),
                _ => part.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("/")
    };
    one == other || plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_from_words() {
        for unit in [
            "mg/dL",
            "mg/dl",
            "mmol/L",
            "10*3/uL",
            "mm[Hg]",
            "kg/m2",
            "%",
            "{score}",
            "Cel",
            "mL/min/{1.73_m2}",
            "U/L",
            "/min",
            "[iU]/L",
            "fL",
            "pg",
            "m/s2",
            "g.m/s2",
            "{T-score}",
            "mmol/mol",
            "meq/L",
            "[degF]",
            "mol/(12.h)",
            "cm[H2O]",
            "1",
            "10*-3",
        ] {
            assert!(is_unit(unit), "{unit}");
        }
        for text in [
            "",
            "(score)",
            "drops",
            "mmHg ",
            "mg per dL",
            "]",
            "{",
            "x10^9/L",
            "()",
            "K/uL)",
        ] {
            assert!(!is_unit(text), "{text}");
        }
    }

    #[test]
    fn spellings_lead_to_units() {
        for (_, unit) in WRITTEN {
            assert!(is_unit(unit), "{unit}");
        }
        assert_eq!(spelled("mmHg"), Some("mm[Hg]"));
        assert_eq!(spelled("mg/dL"), None);
        assert_eq!(spelled("mg/dl"), Some("mg/dL"));
        assert_eq!(spelled("furlong"), None);
        assert!(same("mg/dl", "mg/dL") && !same("mg/dL", "mmol/L"));
    }
}
