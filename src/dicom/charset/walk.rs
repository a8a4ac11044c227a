//! One pass over the bytes of an element: escape sequences, delimiters, characters (PS3.5 section 6.1.2.5).

use super::{
    CharacterSets, Decoded, Problem, RawBytes, State, TextKind,
    guess::Guess,
    note,
    sets::{Half, Set, designation, exact, shortest},
};

/// The pass.
pub(super) struct Walker<'a> {
    sets: &'a CharacterSets,
    kind: TextKind,
    /// Whether `\` begins a new value, or stays in the text.
    split: bool,
    guess: Option<Guess>,
    initial: State,
    state: State,
    now: Decoded,
    done: Vec<Decoded>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(
        sets: &'a CharacterSets,
        kind: TextKind,
        split: bool,
        guess: Option<Guess>,
    ) -> Self {
        let initial = guess.as_ref().map_or(sets.initial, |g| g.initial);
        Self {
            sets,
            kind,
            split,
            guess,
            initial,
            state: initial,
            now: Decoded::default(),
            done: Vec::new(),
        }
    }

    /// The values, at least one.
    pub(super) fn run(mut self, bytes: &[u8]) -> Vec<Decoded> {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            let read = match byte {
                0x1B => self.escape(rest),
                0x00..=0x1F | 0x7F => self.control(byte),
                b' ' => self.push(' '),
                0x21..=0x7E => self.left(byte, rest),
                0x80.. => self.right(byte, rest),
            };
            rest = rest.get(read..).unwrap_or_default();
        }
        self.end_value();
        self.done
    }

    fn note(&mut self, problem: Problem) {
        note(&mut self.now.problems, problem);
    }

    /// Back to the first value's sets, as at each delimiter, control and end (PS3.5 section 6.1.2.5.3). Only a set
    /// left in G0 is a fault: annexes I and K say that one in G1 needs no escape sequence back.
    fn reset(&mut self) {
        if self.state.g0.hides_delimiters() {
            self.note(Problem::NotClosed);
        }
        self.state = self.initial;
    }

    fn end_value(&mut self) {
        self.reset();
        let mut value = std::mem::take(&mut self.now);
        value.text.truncate(value.text.trim_end_matches(' ').len());
        self.done.push(value);
    }

    /// Takes one character, unless it must not reach the screen. Returns 1, what most callers have read for it.
    fn push(&mut self, c: char) -> usize {
        match c {
            // Leading spaces mean nothing but in text with lines.
            ' ' if self.now.text.is_empty() && self.kind != TextKind::Long => {}
            '\r' | '\n' | '\t' | '\u{C}' if self.kind == TextKind::Long => self.now.text.push(c),
            // The mark of byte order is as invisible as a control.
            '\u{FEFF}' => self.note(Problem::ControlsDropped),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => self.note(Problem::BidiDropped),
            c if c.is_control() => self.note(Problem::ControlsDropped),
            c => self.now.text.push(c),
        }
        1
    }

    fn undecodable(&mut self, bytes: &[u8]) -> usize {
        let at = self.now.text.len();
        self.now.text.push(char::REPLACEMENT_CHARACTER);
        let bytes = RawBytes(bytes.to_vec());
        let read = bytes.0.len();
        self.note(Problem::Undecodable { at, bytes });
        read
    }

    fn control(&mut self, byte: u8) -> usize {
        self.reset();
        self.push(char::from(byte))
    }

    fn delimiter(&mut self, byte: u8) -> usize {
        self.reset();
        if byte == b'\\' && self.split {
            self.end_value();
            return 1;
        }
        self.push(char::from(byte))
    }

    /// ESC, intermediates 0x20 to 0x2F, one final byte 0x30 to 0x7E (ISO 2022).
    fn escape(&mut self, rest: &[u8]) -> usize {
        let body = rest.get(1..).unwrap_or_default();
        let between = body.iter().take_while(|b| (0x20..=0x2F).contains(*b));
        let between = between.count();
        let last = body.get(between).filter(|b| (0x30..=0x7E).contains(*b));
        if last.is_none_or(|b| self.kind.delimits(*b)) {
            // Cut or broken: what follows ESC is then text. A delimiter ends no designation there is.
            self.note(Problem::UnknownEscape);
            return 1;
        }
        let sequence = body.get(..=between).unwrap_or_default();
        match designation(sequence) {
            Some((half, set, standard)) => {
                if !standard || !self.sets.declared.contains(&set) {
                    self.note(Problem::Undeclared { set: set.name() });
                }
                match half {
                    Half::Left => self.state.g0 = set,
                    Half::Right => self.state.g1 = Some(set),
                }
            }
            None => self.note(Problem::UnknownEscape),
        }
        1 + sequence.len()
    }

    /// Bytes 0x21 to 0x7E.
    fn left(&mut self, byte: u8, rest: &[u8]) -> usize {
        let set = self.state.g0;
        if set.is_two_byte() {
            let trail = rest.get(1).filter(|b| (0x21..=0x7E).contains(*b));
            let pair = trail.map(|trail| [byte | 0x80, trail | 0x80]);
            if let Some(c) = pair.and_then(|p| set.two_byte(p)) {
                self.push(c);
                return 2;
            }
            // No character begins here, so a delimiter does: the way back to G0 was forgotten.
            if self.kind.delimits(byte) {
                return self.delimiter(byte);
            }
            let length = if pair.is_some() { 2 } else { 1 };
            return self.undecodable(&rest[..length]);
        }
        if set == Set::Katakana {
            return match katakana(byte | 0x80) {
                Some(c) => self.push(c),
                None => self.undecodable(&rest[..1]),
            };
        }
        if self.kind.delimits(byte) {
            return self.delimiter(byte);
        }
        self.push(char::from(byte))
    }

    /// Bytes from 0x80 on.
    fn right(&mut self, byte: u8, rest: &[u8]) -> usize {
        if let Some(guess) = &self.guess
            && self.state.g1 == guess.initial.g1
        {
            let problem = guess.problem.clone();
            self.note(problem);
        }
        let set = match (self.state.g1, self.sets.spare) {
            (Some(set), _) => set,
            (None, Some(spare)) => {
                self.note(Problem::MissingEscape { set: spare.name() });
                spare
            }
            (None, None) => return self.undecodable(&rest[..1]),
        };
        match set {
            Set::Whole(encoding) => match shortest(encoding, rest) {
                Some((read, text)) => {
                    for c in text.chars() {
                        self.push(c);
                    }
                    read
                }
                None => self.undecodable(&rest[..1]),
            },
            Set::Single(encoding) => match exact(encoding, &[byte]) {
                Some(c) => {
                    if byte < 0xA0 && !c.is_control() && set.name() != encoding.name() {
                        let (set, read_as) = (set.name(), encoding.name());
                        self.note(Problem::Outside { set, read_as });
                    }
                    self.push(c);
                    1
                }
                None => self.undecodable(&rest[..1]),
            },
            Set::Katakana => match katakana(byte) {
                Some(c) => {
                    self.push(c);
                    1
                }
                None => self.extended(set, rest),
            },
            _ => {
                let graphic = |b: &u8| (0xA1..=0xFE).contains(b);
                let pair = match rest {
                    [lead, trail, ..] if graphic(lead) && graphic(trail) => Some([*lead, *trail]),
                    _ => None,
                };
                match pair.and_then(|p| set.two_byte(p)) {
                    Some(c) => {
                        self.push(c);
                        2
                    }
                    None => self.extended(set, rest),
                }
            }
        }
    }

    /// A two-byte character that only the larger encoding has: Shift_JIS for katakana, UHC for KS X 1001, GBK for
    /// GB 2312.
    fn extended(&mut self, set: Set, rest: &[u8]) -> usize {
        let pair = rest.get(..2);
        // A byte that no katakana has can only be Shift_JIS, and there 0x5C is a common second byte. In the others a
        // cut character before a delimiter is the likelier story.
        let delimited = set != Set::Katakana && pair.is_some_and(|p| self.kind.delimits(p[1]));
        let found = pair
            .filter(|_| !delimited)
            .zip(set.extended())
            .and_then(|(pair, encoding)| Some((exact(encoding, pair)?, encoding.name())))
            .filter(|(c, _)| !('\u{E000}'..='\u{F8FF}').contains(c));
        if let Some((c, read_as)) = found {
            let set = set.name();
            self.note(Problem::Outside { set, read_as });
            self.push(c);
            return 2;
        }
        // Two high bytes are one broken character; below 0x80 something of its own begins.
        let graphic = |b: &u8| (0xA1..=0xFE).contains(b);
        match rest {
            [lead, trail, ..] if set != Set::Katakana && graphic(lead) && graphic(trail) => {
                self.undecodable(&rest[..2])
            }
            _ => self.undecodable(&rest[..1]),
        }
    }
}

/// Half-width katakana stand in JIS X 0201 and Unicode in the same order.
fn katakana(byte: u8) -> Option<char> {
    let offset = byte.checked_sub(0xA1).filter(|o| *o < 63)?;
    char::from_u32(0xFF61 + u32::from(offset))
}
