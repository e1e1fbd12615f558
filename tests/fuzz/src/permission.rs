//! Permission queries against a reader that follows the grammar rule by rule.

use unkey_core::Kind;
use unkey_core::permission::{Expression, MAX_LENGTH};

enum Tree<'a> {
    Name(&'a str),
    And(Box<Tree<'a>>, Box<Tree<'a>>),
    Or(Box<Tree<'a>>, Box<Tree<'a>>),
}

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let length = text.chars().count();
    match (Expression::parse(text), Reader::read(text)) {
        (Err(error), _) if !(1..=MAX_LENGTH).contains(&length) => assert_eq!(error.kind, Kind::InvalidInput),
        (Ok(expression), Ok(tree)) => same(&expression, &tree),
        (Err(error), Err(position)) => {
            assert_eq!(error.kind, Kind::PermissionsQuerySyntax);
            let (_, found) = error.message.rsplit_once(" at position ").unwrap();
            assert_eq!(found, position.to_string(), "{}", error.message);
            assert!(position <= length && error.message.chars().count() <= MAX_LENGTH + 200);
        }
        (found, expected) => panic!("{found:?}, expected {:?}", expected.map(|_| ())),
    }
}

fn same(expression: &Expression, tree: &Tree) {
    let mut names = Vec::new();
    collect(tree, &mut names);
    assert_eq!(expression.permissions().collect::<Vec<_>>(), names);
    for seed in 0..8 {
        let holds =
            |name: &str| name.bytes().fold(seed, |sum: u32, byte| sum * 31 % 8191 + u32::from(byte)) % 3 > 0;
        assert_eq!(expression.evaluate(holds), value(tree, &holds));
    }
    let printed = expression.to_string();
    if printed.len() <= MAX_LENGTH {
        let again = Expression::parse(&printed);
        assert_eq!(again.as_ref(), Ok(expression), "{printed}");
        assert_eq!(again.unwrap().to_string(), printed);
    }
}

fn collect<'a>(tree: &Tree<'a>, names: &mut Vec<&'a str>) {
    match tree {
        Tree::Name(name) => names.push(name),
        Tree::And(left, right) | Tree::Or(left, right) => {
            collect(left, names);
            collect(right, names);
        }
    }
}

fn value(tree: &Tree, holds: &impl Fn(&str) -> bool) -> bool {
    match tree {
        Tree::Name(name) => holds(name),
        Tree::And(left, right) => value(left, holds) && value(right, holds),
        Tree::Or(left, right) => value(left, holds) || value(right, holds),
    }
}

/// An error is the position of the first word that fits no rule, in characters.
struct Reader<'a> {
    words: Vec<(usize, &'a str)>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn read(text: &'a str) -> Result<Tree<'a>, usize> {
        let mut reader = Self { words: words(text), next: 0 };
        let tree = reader.either()?;
        if reader.word().is_empty() { Ok(tree) } else { Err(reader.position()) }
    }

    /// The next word; the last is empty.
    fn word(&self) -> &'a str {
        self.words[self.next].1
    }

    fn position(&self) -> usize {
        self.words[self.next].0
    }

    fn accept(&mut self, wanted: &str) -> bool {
        let found = self.word().eq_ignore_ascii_case(wanted);
        self.next += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Tree<'a>, usize> {
        let mut left = self.both()?;
        while self.accept("or") {
            left = Tree::Or(left.into(), self.both()?.into());
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Tree<'a>, usize> {
        let mut left = self.primary()?;
        while self.accept("and") {
            left = Tree::And(left.into(), self.primary()?.into());
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Tree<'a>, usize> {
        if self.accept("(") {
            let inner = self.either()?;
            return if self.accept(")") { Ok(inner) } else { Err(self.position()) };
        }
        let word = self.word();
        let is_operator = ["and", "or"].iter().any(|operator| word.eq_ignore_ascii_case(operator));
        if is_operator || !word.starts_with(is_part) {
            return Err(self.position());
        }
        self.next += 1;
        Ok(Tree::Name(word))
    }
}

/// Words with their positions in characters; an invalid character is one of its own.
fn words(text: &str) -> Vec<(usize, &str)> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let end = |at: usize| characters.get(at).map_or(text.len(), |(byte, _)| *byte);
    let (mut words, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        let from = at;
        at += 1;
        if is_part(characters[from].1) {
            at += characters[at..].iter().take_while(|(_, character)| is_part(*character)).count();
        }
        if ![' ', '\t', '\r', '\n'].contains(&characters[from].1) {
            words.push((from, &text[end(from)..end(at)]));
        }
    }
    words.push((characters.len(), ""));
    words
}

fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._-:*/".contains(character)
}
