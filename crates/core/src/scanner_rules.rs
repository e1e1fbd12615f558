//! Rules for scanners of others: what the keys of a database look like, for gitleaks and trufflehog.
//!
//! Regular expressions are in the dialect of RE2, which both use. A key with a checksum is told by its layout alone; any other by its
//! prefix. Nothing is asked of what stands before a prefix, which can be an escape; what follows must not belong to a word.

use std::fmt::Write;

use crate::error::quoted;
use crate::key::{LONGEST_BODY, SHORTEST_BODY};
use crate::key_format::KeyFormat;
use crate::{Error, Result, checksum, rule};

/// A program that rules are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Rules in TOML.
    Gitleaks,
    /// Custom detectors in YAML.
    Trufflehog,
}

impl Tool {
    /// The tool of this name.
    pub fn read(name: &str) -> Result<Self> {
        match name {
            "gitleaks" => Ok(Self::Gitleaks),
            "trufflehog" => Ok(Self::Trufflehog),
            other => Err(Error::invalid(
                "tool",
                format_args!("must be 'gitleaks' or 'trufflehog', not {}", quoted(other)),
            )),
        }
    }
}

/// What the rules of an API are made from.
#[derive(Debug)]
pub struct ApiKeys {
    /// Its id.
    pub api_id: String,
    /// Its name.
    pub name: String,
    /// What the texts of its keys look like.
    pub format: KeyFormat,
    /// Those of its keys, and its own, sorted.
    pub prefixes: Vec<String>,
}

/// Most prefixes of one rule.
pub const MAX_PREFIXES: usize = 100;
/// Bits per character that a match must have at least. What prefix and 18 characters have is never so low.
const ENTROPY: &str = "3.0";
const BASE58: &str = "[1-9A-HJ-NP-Za-km-z]";

/// One rule.
struct Rule {
    id: String,
    description: String,
    /// Its first group is the key.
    pattern: String,
    /// One of them stands in whatever matches.
    keywords: Vec<String>,
}

/// The address that a tool is to ask about what it found, if it can.
pub fn check_verify_url(tool: Tool, url: Option<&str>) -> Result<()> {
    let Some(url) = url else { return Ok(()) };
    if tool != Tool::Trufflehog {
        return Err(Error::invalid("verify_url", "is for trufflehog only")
            .hint("gitleaks asks nobody about what it finds."));
    }
    rule::VERIFY_URL.check("verify_url", url)?;
    let is_url =
        ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    match is_url && url.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(Error::invalid("verify_url", "must be an address that begins with https:// or http://")),
    }
}

/// The whole file for a tool. `verify_url` is checked.
pub fn write(tool: Tool, apis: &[ApiKeys], verify_url: Option<&str>) -> String {
    let mut file = match tool {
        Tool::Gitleaks => "title = \"Keys of an unkey database\"\n\n[extend]\nuseDefault = true\n".to_owned(),
        Tool::Trufflehog => "detectors:\n".to_owned(),
    };
    for api in apis {
        match of_api(api) {
            Some(rule) => rule.write(&mut file, tool, verify_url),
            None => {
                // Writing to a String can't fail.
                let _ = writeln!(
                    file,
                    "\n# API {} ({}): its keys have no prefix to be told by.",
                    literal(&api.name),
                    api.api_id
                );
            }
        }
        if api.prefixes.len() > MAX_PREFIXES {
            let _ = writeln!(file, "# {} of its prefixes are left out.", api.prefixes.len() - MAX_PREFIXES);
        }
    }
    of_root_keys().write(&mut file, tool, verify_url);
    file
}

fn of_api(api: &ApiKeys) -> Option<Rule> {
    let known = api.prefixes.get(..MAX_PREFIXES).unwrap_or(&api.prefixes);
    let prefixes: Vec<&str> = known.iter().map(String::as_str).filter(|prefix| is_prefix(prefix)).collect();
    let (pattern, keywords) = match api.format {
        KeyFormat::Checksum => (with_checksum(&prefixes), vec![checksum::MARKER.to_owned()]),
        KeyFormat::Plain if prefixes.is_empty() => return None,
        KeyFormat::Plain => (
            with_prefix(&prefixes, LONGEST_BODY),
            prefixes.iter().map(|prefix| format!("{prefix}_")).collect(),
        ),
    };
    let description = format!("Key of the API {} ({})", api.name, api.api_id);
    Some(Rule { id: format!("unkey-{}", api.api_id), description, pattern, keywords })
}

/// Their texts have 16 random bytes.
fn of_root_keys() -> Rule {
    Rule {
        id: "unkey-root-key".to_owned(),
        description: "Root key of an unkey database".to_owned(),
        pattern: with_prefix(&["unkey"], 22),
        keywords: vec!["unkey_".to_owned()],
    }
}

/// Nothing in it means anything to a regular expression.
fn is_prefix(prefix: &str) -> bool {
    rule::PREFIX.check("prefix", prefix).is_ok()
}

fn with_checksum(prefixes: &[&str]) -> String {
    let prefix = if prefixes.is_empty() { String::new() } else { format!("(?:{}_)?", any_of(prefixes)) };
    let (head, marker, rest) = (checksum::HEAD, checksum::MARKER, checksum::REST);
    format!("({prefix}{BASE58}{{{head}}}{marker}{BASE58}{{{rest}}})")
}

fn with_prefix(prefixes: &[&str], longest: usize) -> String {
    format!("({}_{BASE58}{{{SHORTEST_BODY},{longest}}})(?:\\b|_)", any_of(prefixes))
}

fn any_of(prefixes: &[&str]) -> String {
    match prefixes {
        [one] => (*one).to_owned(),
        several => format!("(?:{})", several.join("|")),
    }
}

impl Rule {
    fn write(&self, file: &mut String, tool: Tool, verify_url: Option<&str>) {
        let keywords: Vec<String> = self.keywords.iter().map(|keyword| literal(keyword)).collect();
        let (id, description, keywords) =
            (literal(&self.id), literal(&self.description), keywords.join(", "));
        // The pattern has neither quotes nor lines, so it stands as it is between single quotes in either language.
        let pattern = &self.pattern;
        let text = match tool {
            Tool::Gitleaks => format!(
                "\n[[rules]]\nid = {id}\ndescription = {description}\nregex = '{pattern}'\nsecretGroup = 1\nentropy = {ENTROPY}\nkeywords = [{keywords}]\n"
            ),
            Tool::Trufflehog => format!(
                "\n  - name: {id}\n    description: {description}\n    keywords: [{keywords}]\n    regex:\n      key: '{pattern}'\n    entropy: {ENTROPY}\n"
            ),
        };
        file.push_str(&text);
        if let Some(url) = verify_url {
            let _ = writeln!(
                file,
                "    verify:\n      - endpoint: {}\n        unsafe: {}",
                literal(url),
                !url.starts_with("https://")
            );
        }
    }
}

/// A text in double quotes, as JSON, TOML and YAML all read it.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
