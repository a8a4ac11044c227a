//! Just enough of Rust's grammar to read what a file uses.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A piece of source; comments and white space are gone.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// An identifier or keyword.
    Word(String),
    /// The content of a string literal, escapes as written.
    Text(String),
    /// One character of punctuation; `::` is two.
    Mark(char),
}

impl Token {
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own == word)
    }

    pub fn is_mark(&self, mark: char) -> bool {
        *self == Self::Mark(mark)
    }
}

/// Cuts source into tokens. Numbers become words; character literals and lifetimes vanish.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = at(i);
        if c.is_whitespace() {
            i += 1;
        } else if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                if at(i) == '/' && at(i + 1) == '*' {
                    depth += 1;
                    i += 2;
                } else if at(i) == '*' && at(i + 1) == '/' {
                    depth -= 1;
                    i += 2;
                } else {
                    i += 1;
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if let Some((hashes, start)) = raw_string(&chars, i) {
            let mut end = start;
            while end < chars.len() && !(at(end) == '"' && (1..=hashes).all(|k| at(end + k) == '#'))
            {
                end += 1;
            }
            out.push(Token::Text(chars[start..end].iter().collect()));
            i = end + 1 + hashes;
        } else if c == '"' || (matches!(c, 'b' | 'c') && at(i + 1) == '"') {
            let start = if c == '"' { i + 1 } else { i + 2 };
            let mut end = start;
            while end < chars.len() && at(end) != '"' {
                end += if at(end) == '\\' { 2 } else { 1 };
            }
            let end = end.min(chars.len());
            out.push(Token::Text(chars[start..end].iter().collect()));
            i = end + 1;
        } else if c == '\'' || (c == 'b' && at(i + 1) == '\'') {
            let quote = if c == 'b' { i + 1 } else { i };
            if at(quote + 1) == '\\' {
                i = quote + 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            } else if at(quote + 2) == '\'' {
                i = quote + 3;
            } else {
                i = quote + 1;
                while is_word(at(i)) {
                    i += 1;
                }
            }
        } else if is_word(c) {
            let start = i;
            while is_word(at(i)) {
                i += 1;
            }
            out.push(Token::Word(chars[start..i].iter().collect()));
        } else {
            out.push(Token::Mark(c));
            i += 1;
        }
    }
    out
}

/// Hashes and first character of a raw string that begins at `i`.
fn raw_string(chars: &[char], i: usize) -> Option<(usize, usize)> {
    let before = i.checked_sub(1).and_then(|k| chars.get(k));
    if before.is_some_and(|c| c.is_alphanumeric() || *c == '_') {
        return None;
    }
    let mut k = i;
    if matches!(chars.get(k), Some('b' | 'c')) {
        k += 1;
    }
    if chars.get(k) != Some(&'r') {
        return None;
    }
    k += 1;
    let hashes = chars[k..].iter().take_while(|c| **c == '#').count();
    (chars.get(k + hashes) == Some(&'"')).then_some((hashes, k + hashes + 1))
}

/// Splits off what stands behind `#[cfg(test)]`: the tokens of the program, and those of its tests.
pub fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<Token>) {
    let (mut program, mut tests) = (Vec::new(), Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        if !begins_test(&tokens[i..]) {
            program.push(tokens[i].clone());
            i += 1;
            continue;
        }
        // The item ends with its braces, or with a semicolon outside of them.
        let mut depth = 0usize;
        i += 7;
        while i < tokens.len() {
            let token = &tokens[i];
            tests.push(token.clone());
            i += 1;
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                Token::Mark(';') if depth == 0 => break,
                _ => {}
            }
        }
    }
    (program, tests)
}

fn begins_test(tokens: &[Token]) -> bool {
    let [hash, open, cfg, paren, test, close, end, ..] = tokens else {
        return false;
    };
    hash.is_mark('#')
        && open.is_mark('[')
        && cfg.is_word("cfg")
        && paren.is_mark('(')
        && test.is_word("test")
        && close.is_mark(')')
        && end.is_mark(']')
}

/// The first names behind `crate::`, use trees opened: `crate::{a, b::c}` names `a` and `b`.
pub fn crate_paths(tokens: &[Token]) -> Vec<String> {
    let mut out = Vec::new();
    for i in 0..tokens.len() {
        if !tokens[i].is_word("crate") || !is_path_mark(tokens, i + 1) {
            continue;
        }
        match tokens.get(i + 3) {
            Some(Token::Word(name)) => out.push(name.clone()),
            Some(Token::Mark('{')) => {
                let mut depth = 1;
                let mut fresh = true;
                for token in &tokens[i + 4..] {
                    match token {
                        Token::Mark('{') => depth += 1,
                        Token::Mark('}') => depth -= 1,
                        Token::Mark(',') if depth == 1 => fresh = true,
                        Token::Word(name) if depth == 1 && fresh => {
                            out.push(name.clone());
                            fresh = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => out.push("*".to_owned()),
        }
    }
    out
}

/// Whether `::` stands at `i`.
pub fn is_path_mark(tokens: &[Token], i: usize) -> bool {
    let mark = |k: usize| tokens.get(k).is_some_and(|t| t.is_mark(':'));
    mark(i) && mark(i + 1)
}

/// Names that begin a path or stand behind `use`: outside crates, and modules in scope.
pub fn roots(tokens: &[Token]) -> Vec<String> {
    let mut out = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Token::Word(name) = token else { continue };
        let behind_path = i >= 2 && is_path_mark(tokens, i - 2);
        let behind_use = i >= 1 && (tokens[i - 1].is_word("use") || tokens[i - 1].is_word("crate"));
        // `::name`, an absolute path, begins one too.
        let absolute = behind_path
            && match i.checked_sub(3).and_then(|k| tokens.get(k)) {
                Some(Token::Word(word)) => matches!(word.as_str(), "use" | "as" | "in" | "return"),
                Some(mark) => !mark.is_mark('>'),
                None => true,
            };
        if (is_path_mark(tokens, i + 1) && !behind_path) || behind_use || absolute {
            out.push(name.clone());
        }
    }
    out
}

/// All files below a folder with this extension, sorted.
pub fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = fs::read_dir(&folder).expect("a folder of the repository");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}
