//! The permission language against a recursive-descent reader of its grammar.

use proptest::prelude::*;
use unkey_core::Kind;
use unkey_core::permission::Expression;

const NAMES: [&str; 6] = ["a", "b", "docs.*", "x-y:1/2", "android", "Or_"];

/// A query as a tree; names are given by index.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Name(usize),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

fn value(tree: &Tree, held: u8) -> bool {
    match tree {
        Tree::Name(name) => held >> name & 1 == 1,
        Tree::And(left, right) => value(left, held) && value(right, held),
        Tree::Or(left, right) => value(left, held) || value(right, held),
    }
}

fn names(tree: &Tree) -> Vec<&'static str> {
    match tree {
        Tree::Name(name) => vec![NAMES[*name]],
        Tree::And(left, right) | Tree::Or(left, right) => [names(left), names(right)].concat(),
    }
}

/// Words with their positions; one that starts with `!` stands for an invalid character.
fn split(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (position, c) in text.chars().enumerate() {
        let part = c.is_ascii_alphanumeric() || "._-:*/".contains(c);
        match words.last_mut() {
            Some((_, word)) if part && inside => word.push(c),
            _ if part || c == '(' || c == ')' => words.push((position, c.to_string())),
            _ if " \t\r\n".contains(c) => {}
            _ => words.push((position, format!("!{c}"))),
        }
        inside = part;
    }
    words
}

/// Reads the grammar rule by rule; an error is the position of the first word that fits no rule.
struct Reader {
    words: Vec<(usize, String)>,
    next: usize,
    end: usize,
}

impl Reader {
    fn read(text: &str) -> Result<Tree, usize> {
        let mut reader = Self { words: split(text), next: 0, end: text.chars().count() };
        let tree = reader.expr()?;
        if reader.next == reader.words.len() { Ok(tree) } else { Err(reader.position()) }
    }

    fn position(&self) -> usize {
        self.words.get(self.next).map_or(self.end, |word| word.0)
    }

    fn accept(&mut self, wanted: &str) -> bool {
        let found = self.words.get(self.next).is_some_and(|word| word.1.to_uppercase() == wanted);
        self.next += usize::from(found);
        found
    }

    fn expr(&mut self) -> Result<Tree, usize> {
        let mut left = self.and()?;
        while self.accept("OR") {
            left = Tree::Or(left.into(), self.and()?.into());
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Tree, usize> {
        let mut left = self.primary()?;
        while self.accept("AND") {
            left = Tree::And(left.into(), self.primary()?.into());
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Tree, usize> {
        if self.accept("(") {
            let inner = self.expr()?;
            return if self.accept(")") { Ok(inner) } else { Err(self.position()) };
        }
        let word = self.words.get(self.next).map(|word| word.1.as_str());
        let name = NAMES.iter().position(|name| Some(*name) == word).ok_or(self.position())?;
        self.next += 1;
        Ok(Tree::Name(name))
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    (0..NAMES.len()).prop_map(Tree::Name).prop_recursive(6, 24, 2, |inner| {
        (inner.clone(), inner, any::<bool>()).prop_map(|(left, right, and)| {
            if and { Tree::And(left.into(), right.into()) } else { Tree::Or(left.into(), right.into()) }
        })
    })
}

/// Writes a tree in a style that differs from place to place, with all needed and some more parentheses.
fn write(tree: &Tree, style: &mut impl FnMut() -> usize) -> String {
    let (left, operators, right) = match tree {
        Tree::Name(name) => return enclose(NAMES[*name].to_owned(), style() % 8 == 1),
        Tree::And(left, right) => (left, ["AND", "and", "aNd"], right),
        Tree::Or(left, right) => (left, ["OR", "or", "oR"], right),
    };
    let (is_and, extra) = (matches!(tree, Tree::And(..)), style() % 4 == 1);
    let left_needs = is_and && matches!(**left, Tree::Or(..));
    let right_needs = match **right {
        Tree::Name(_) => extra,
        Tree::And(..) => is_and || extra,
        Tree::Or(..) => true,
    };
    let left = enclose(write(left, style), left_needs);
    let right = enclose(write(right, style), right_needs);
    let style = style();
    let space = [" ", "\t\r\n", "  "][style / 3 % 3];
    enclose(format!("{left}{space}{}{space}{right}", operators[style % 3]), style > 220)
}

/// The given numbers again and again.
fn turns(style: [u8; 32]) -> impl FnMut() -> usize {
    let mut turns = style.into_iter().cycle();
    move || turns.next().map_or(0, usize::from)
}

fn enclose(text: String, enclosed: bool) -> String {
    if enclosed { format!("({text})") } else { text }
}

/// Every text that results if one pair of parentheses is blanked out.
fn with_a_pair_less(text: &str) -> Vec<String> {
    let mut open = Vec::new();
    let mut texts = Vec::new();
    for (end, c) in text.char_indices() {
        match c {
            '(' => open.push(end),
            ')' => {
                let start = open.pop().unwrap_or(0);
                texts.push(format!("{} {} {}", &text[..start], &text[start + 1..end], &text[end + 1..]));
            }
            _ => {}
        }
    }
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn trees_keep_their_value_in_any_style(tree in trees(), style: [u8; 32]) {
        let text = write(&tree, &mut turns(style));
        prop_assume!(text.len() <= 1000);
        prop_assert_eq!(Reader::read(&text), Ok(tree.clone()));
        let expression = Expression::parse(&text).unwrap();
        prop_assert_eq!(expression.permissions().collect::<Vec<_>>(), names(&tree));
        for held in 0..1 << NAMES.len() {
            let holds = |name: &str| NAMES.iter().position(|n| *n == name).is_some_and(|i| held >> i & 1 == 1);
            prop_assert_eq!(expression.evaluate(holds), value(&tree, held));
        }
    }

    #[test]
    fn canonical_form_is_the_same_tree_with_the_fewest_parentheses(tree in trees(), style: [u8; 32]) {
        let text = write(&tree, &mut turns(style));
        prop_assume!(text.len() <= 900);
        let expression = Expression::parse(&text).unwrap();
        let printed = expression.to_string();
        prop_assert_eq!(Reader::read(&printed), Ok(tree));
        let again = Expression::parse(&printed);
        prop_assert_eq!(again.as_ref(), Ok(&expression));
        for less in with_a_pair_less(&printed) {
            prop_assert!(Expression::parse(&less).as_ref() != Ok(&expression), "{}", less);
        }
    }

    #[test]
    fn mistakes_are_found_where_the_grammar_ends(
        words in prop::collection::vec(
            prop::sample::select(vec!["a", "a", "b", "(", "(", ")", ")", " AND ", " or ", " OR", " ", "$", "é", "\t"]),
            1..12,
        ),
    ) {
        let text = words.concat();
        // Adjacent names make new ones, which the reader does not know.
        prop_assume!(split(&text).iter().all(|(_, word)| {
            NAMES.contains(&word.as_str()) || ["(", ")", "AND", "OR"].contains(&word.to_uppercase().as_str()) || word.starts_with('!')
        }));
        match (Reader::read(&text), Expression::parse(&text)) {
            (Ok(tree), Ok(expression)) => {
                prop_assert_eq!(expression.evaluate(|name| name == "a"), value(&tree, 1));
            }
            (Err(position), Err(error)) => {
                prop_assert_eq!(error.kind, Kind::PermissionsQuerySyntax);
                let (end, invalid) = (format!(" at position {position}"), text.chars().nth(position));
                prop_assert!(error.message.ends_with(&end), "{} {}", error.message, position);
                let invalid = invalid.is_some_and(|c| "$é".contains(c));
                prop_assert_eq!(error.message.contains("invalid character"), invalid);
            }
            (expected, found) => prop_assert!(false, "{:?} {:?}", expected, found),
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,40}|[a()ORANDor \t]{0,1010}") {
        if let Ok(expression) = Expression::parse(&text) {
            expression.evaluate(|_| true);
            prop_assert!(expression.permissions().next().is_some());
            prop_assert!(!expression.to_string().is_empty());
        }
    }
}
