//! A reader of JSON that keeps what others drop: members that stand twice.

/// A value, as far as targets ask.
pub enum Json {
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// Numbers, true, false and null.
    Other,
}

/// Reads well-formed JSON; `None` for other texts, and beyond 200 levels.
pub fn read(text: &str) -> Option<Json> {
    let mut reader = Reader { rest: text, depth: 0 };
    let value = reader.value()?;
    reader.rest.trim_start().is_empty().then_some(value)
}

impl Json {
    /// How deep it nests.
    pub fn depth(&self) -> usize {
        let deepest = match self {
            Self::Array(elements) => elements.iter().map(Self::depth).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.depth()).max(),
            Self::Text(_) | Self::Other => return 0,
        };
        1 + deepest.unwrap_or(0)
    }

    /// Whether a member stands twice anywhere.
    pub fn repeats(&self) -> bool {
        match self {
            Self::Array(elements) => elements.iter().any(Self::repeats),
            Self::Object(members) => {
                let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                names.windows(2).any(|pair| pair[0] == pair[1])
                    || members.iter().any(|(_, value)| value.repeats())
            }
            Self::Text(_) | Self::Other => false,
        }
    }

    /// A member of an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Every text in it that is no name.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Array(elements) => elements.iter().flat_map(Self::texts).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.texts()).collect(),
            Self::Other => Vec::new(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, character: char) -> bool {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self) -> Option<Json> {
        self.depth += 1;
        let value = if self.depth == 200 {
            return None;
        } else if self.eat('[') {
            Json::Array(self.list(']', Self::value)?)
        } else if self.eat('{') {
            Json::Object(self.list('}', Self::member)?)
        } else if self.rest.starts_with('"') {
            Json::Text(self.text()?)
        } else {
            self.word()?
        };
        self.depth -= 1;
        Some(value)
    }

    fn list<T>(&mut self, end: char, one: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        if self.eat(end) {
            return Some(all);
        }
        loop {
            all.push(one(self)?);
            if self.eat(end) {
                return Some(all);
            }
            self.eat(',').then_some(())?;
        }
    }

    fn member(&mut self) -> Option<(String, Json)> {
        self.eat('"').then_some(())?;
        let name = self.text_after_quote()?;
        self.eat(':').then(|| self.value())?.map(|value| (name, value))
    }

    fn text(&mut self) -> Option<String> {
        self.eat('"').then(|| self.text_after_quote())?
    }

    fn text_after_quote(&mut self) -> Option<String> {
        let mut escaped = false;
        let end = self.rest.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        })?;
        let text = serde_json::from_str(&format!("\"{}\"", &self.rest[..end])).ok()?;
        self.rest = &self.rest[end + 1..];
        Some(text)
    }

    fn word(&mut self) -> Option<Json> {
        let end = self.rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        serde_json::from_str::<serde_json::Value>(word).ok().map(|_| Json::Other)
    }
}
