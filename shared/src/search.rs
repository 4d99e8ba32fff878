//! Search: words and tags, whatever their case and accents.
//!
//! Text is compared in a *folded* form: decomposed (NFKD), without accents, in lower case, and with the letters that Unicode
//! does not decompose, such as `ø` and `ß`, spelled as their readers without them do. Folding knows no language: `ä` is
//! `a` and never `ae`, and a word is found by its beginning, not by another form of it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::task::{Description, Invalid, Tag, Task};

/// What tasks must have to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Each of these begins a word of the title, the description, or a tag.
    words: Vec<String>,
    /// Each of these is a tag.
    tags: Vec<String>,
}

impl Search {
    /// At most 400 bytes, and so at most fifty words.
    const MAX_CHARACTERS: usize = 100;
    const MAX_TAGS: usize = 10;

    /// Looks for the words of this text: its runs of letters and digits.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn set_words(&mut self, text: &str) -> Result<(), Invalid> {
        if text.is_empty() || text.chars().nth(Self::MAX_CHARACTERS).is_some() {
            return Err(Invalid("must be 1 to 100 characters"));
        }
        let folded = folded(text);
        self.words = folded.split(|c| !is_of_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Ok(())
    }

    /// Looks for one more tag.
    ///
    /// # Errors
    /// Says how many there may be.
    pub fn add_tag(&mut self, tag: &Tag) -> Result<(), Invalid> {
        if self.tags.len() == Self::MAX_TAGS {
            return Err(Invalid("must be given at most 10 times"));
        }
        let tag = folded(tag.as_str());
        // In one order, because the order in which they are asked for does not matter.
        if let Err(place) = self.tags.binary_search(&tag) {
            self.tags.insert(place, tag);
        }
        Ok(())
    }

    /// Whether it finds every task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.tags.is_empty()
    }

    /// Its words, if it has any.
    pub(crate) fn words(&self) -> Option<String> {
        (!self.words.is_empty()).then(|| self.words.join(" "))
    }

    /// Its tags.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(String::as_str)
    }

    /// Whether the task has everything.
    #[must_use]
    pub fn finds(&self, task: &Task) -> bool {
        let tags: Vec<_> = task.tags.iter().map(|tag| folded(tag.as_str())).collect();
        if !self.tags.iter().all(|tag| tags.contains(tag)) {
            return false;
        }
        let mut missing: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let description = task.description.as_ref().map(Description::as_str);
        let texts = [Some(task.title.as_str()), description].into_iter().flatten().map(folded);
        for text in texts.chain(tags) {
            if missing.is_empty() {
                return true;
            }
            missing.retain(|word| !begins_a_word(&text, word));
        }
        missing.is_empty()
    }
}

/// The form in which texts are compared.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let letters = text.nfkd().filter(|&c| canonical_combining_class(c) == 0);
    // By way of the upper case, in which letters are the same that have several lower cases: `ς` and `σ`.
    let letters = letters.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for letter in letters {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ħ' => folded.push('h'),
            'ŧ' => folded.push('t'),
            letter => folded.push(letter),
        }
    }
    folded
}

/// Whether a word of a folded text begins with this one.
fn begins_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !is_of_word(before) || is_unspaced(before))
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Whether the letter is of a script that puts no spaces between words, so that any letter may begin one: Thai to Myanmar,
/// Khmer, kana, and Chinese characters.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_their_beginnings() {
        for (text, found, missed) in [
            ("Call the Café", &["cafe", "CAF", "call", "Ca", "CAFÉ", "cafe\u{301}"][..], &["afe", "cafes"][..]),
            ("Straße nach Łódź", &["strasse", "STRASSE", "stra", "lodz", "łó"], &["straße1", "odz"]),
            ("ΟΔΥΣΣΕΥΣ ﬁle №5", &["οδυσσευς", "οδυσσεύς", "file", "no5"], &["5"]),
            ("smørrebrød, Œuvre", &["smorrebrod", "oeuvre", "œuv"], &["brod"]),
            ("İstanbul ısı", &["istanbul", "isi", "ISI"], &["stanbul"]),
            ("買牛奶 がんばる", &["牛奶", "買", "奶", "かんは"], &["牛買"]),
            ("e-mail/phone_2", &["mail", "e-mail", "phone", "2"], &["ail", "hone"]),
        ] {
            let folded = folded(text);
            let finds = |words: &str| {
                let mut search = Search::default();
                search.set_words(words).unwrap();
                search.words.iter().all(|word| begins_a_word(&folded, word))
            };
            assert!(found.iter().all(|words| finds(words)), "{text}: {found:?} in {folded}");
            assert!(!missed.iter().any(|words| finds(words)), "{text}: {missed:?} in {folded}");
        }
    }

    #[test]
    fn words_and_tags_are_bounded() {
        for (text, is_good) in [("", false), ("!", true), (&*"ä".repeat(100), true), (&*"x".repeat(101), false)] {
            assert_eq!(Search::default().set_words(text).is_ok(), is_good, "{text}");
        }
        let mut search = Search::default();
        let mut add = |number: usize| search.add_tag(&Tag::parse(&format!("tag {number}")).unwrap()).is_ok();
        assert!((0..10).all(&mut add) && !add(10));
    }
}
