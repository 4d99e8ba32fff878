//! Manual order: keys between keys, byte by byte those of npm's `fractional-indexing`, so that a client can make them too.

use serde::Serialize;

use super::Invalid;

/// Where a task is in the order that its owner gave it: an order key of npm's `fractional-indexing` with its default digits.
/// Positions sort as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Position(String);

/// In the order of their bytes.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const FIRST: u8 = b'0';
const LAST: u8 = b'z';

impl Position {
    /// How long a position may be. Moving a task to one and the same place again and again adds a byte in five moves.
    pub const MAX_BYTES: usize = 100;

    /// Takes an order key. Its first letter says how long its integer is: `a` two bytes, `b` three, and so on, and before
    /// them `Z` two and `Y` three. What follows is a fraction, which has no zero at its end.
    ///
    /// # Errors
    /// Says what a position must be.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bytes = text.as_bytes();
        let is_key = bytes.len() <= Self::MAX_BYTES
            && bytes.iter().all(u8::is_ascii_alphanumeric)
            && split(bytes).is_some_and(|(integer, fraction)| {
                !(fraction.ends_with(&[FIRST]) || is_smallest(integer) && fraction.is_empty())
            });
        let expected = Invalid("must be an order key of fractional-indexing, such as a0, of at most 100 bytes");
        if is_key { Ok(Self(text.to_owned())) } else { Err(expected) }
    }

    /// A position after `low` and before `high`; without one of them, after or before all that there are. `None` if they are
    /// not in this order, or so close that there is no room within [`Self::MAX_BYTES`].
    #[must_use]
    pub fn between(low: Option<&Self>, high: Option<&Self>) -> Option<Self> {
        let key = between(low.map(|low| low.0.as_bytes()), high.map(|high| high.0.as_bytes()))?;
        Self::parse(str::from_utf8(&key).ok()?).ok()
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes back what [`Self::as_str`] gave to the store.
    pub(crate) fn from_store(text: String) -> Self {
        Self(text)
    }
}

fn between(low: Option<&[u8]>, high: Option<&[u8]>) -> Option<Vec<u8>> {
    match (low, high) {
        (None, None) => Some(b"a0".to_vec()),
        (None, Some(high)) => {
            let (integer, fraction) = split(high)?;
            match fraction {
                _ if is_smallest(integer) => Some([integer, &middle(&[], Some(fraction))].concat()),
                [] => step(integer, FIRST, LAST),
                [..] => Some(integer.to_vec()),
            }
        }
        (Some(low), None) => {
            let (integer, fraction) = split(low)?;
            step(integer, LAST, FIRST).or_else(|| Some([integer, &middle(fraction, None)].concat()))
        }
        (Some(low), Some(high)) if low < high => {
            let ((integer, fraction), (high_integer, high_fraction)) = (split(low)?, split(high)?);
            if integer == high_integer {
                return Some([integer, &middle(fraction, Some(high_fraction))].concat());
            }
            let next = step(integer, LAST, FIRST).filter(|next| next.as_slice() < high);
            next.or_else(|| Some([integer, &middle(fraction, None)].concat()))
        }
        (Some(_), Some(_)) => None,
    }
}

/// The integer and the fraction of a key.
fn split(key: &[u8]) -> Option<(&[u8], &[u8])> {
    key.split_at_checked(integer_bytes(*key.first()?)?)
}

/// How many bytes an integer has that begins so.
fn integer_bytes(head: u8) -> Option<usize> {
    match head {
        b'a'..=b'z' => Some(usize::from(head - b'a') + 2),
        b'A'..=b'Z' => Some(usize::from(b'Z' - head) + 2),
        _ => None,
    }
}

fn is_smallest(integer: &[u8]) -> bool {
    integer.first() == Some(&b'A') && integer.iter().skip(1).all(|&digit| digit == FIRST)
}

/// The next integer if a digit wraps from `z` to `0`, the one before it if digits wrap the other way. `None` if there is none.
fn step(integer: &[u8], wraps: u8, to: u8) -> Option<Vec<u8>> {
    let (head, digits) = integer.split_first()?;
    let mut digits = digits.to_vec();
    for digit in digits.iter_mut().rev() {
        if *digit != wraps {
            let value = value(*digit);
            *digit = digit_of(if wraps == LAST { value + 1 } else { value - 1 });
            return Some([&[*head], digits.as_slice()].concat());
        }
        *digit = to;
    }
    let head = match (wraps, head) {
        (LAST, b'Z') => b'a',
        (LAST, b'z') | (FIRST, b'A') => return None,
        (LAST, head) => head + 1,
        (_, b'a') => b'Z',
        (_, head) => head - 1,
    };
    let mut next = vec![to; integer_bytes(head)?];
    next.splice(..1, [head]);
    Some(next)
}

/// The shortest fraction halfway between two. Without `high`, below one.
fn middle(mut low: &[u8], mut high: Option<&[u8]>) -> Vec<u8> {
    let mut middle = Vec::new();
    loop {
        if let Some(digits) = high {
            let zeros = std::iter::repeat(&FIRST);
            let common = digits.iter().zip(low.iter().chain(zeros)).take_while(|(high, low)| high == low).count();
            let (same, rest) = digits.split_at(common);
            middle.extend_from_slice(same);
            (low, high) = (low.get(common..).unwrap_or_default(), Some(rest));
        }
        let from = low.first().map_or(0, |&digit| value(digit));
        let to = high.map_or(DIGITS.len(), |digits| digits.first().map_or(0, |&digit| value(digit)));
        match high {
            _ if to > from + 1 => {
                middle.push(digit_of((from + to).div_ceil(2)));
                return middle;
            }
            Some([first, _, ..]) => {
                middle.push(*first);
                return middle;
            }
            _ => middle.push(digit_of(from)),
        }
        (low, high) = (low.get(1..).unwrap_or_default(), None);
    }
}

fn value(digit: u8) -> usize {
    DIGITS.iter().position(|&other| other == digit).unwrap_or_default()
}

fn digit_of(value: usize) -> u8 {
    DIGITS.get(value).copied().unwrap_or(LAST)
}

#[cfg(test)]
#[cfg_attr(coverage_nightly, coverage(off))]
mod tests {
    use ring::digest::{SHA256, digest};
    use serde::Deserialize;

    use super::*;
    use crate::fixtures::positions;

    /// What npm's `fractional-indexing` makes: `client/test/positions.test.ts` writes it.
    #[derive(Deserialize)]
    pub(crate) struct Vectors {
        /// Low, high, and the key between them.
        between: Vec<(Option<String>, Option<String>, Option<String>)>,
        refused: Vec<String>,
        /// After each hundred keys that were put in somewhere: the hash of all keys, in their order.
        walk: Vec<String>,
    }

    #[test]
    fn keys_are_those_of_fractional_indexing() {
        let key = |text: &String| Position::parse(text).unwrap();
        for (low, high, expected) in positions::<Vectors>().between {
            let (low, high) = (low.as_ref().map(key), high.as_ref().map(key));
            let between = Position::between(low.as_ref(), high.as_ref());
            assert_eq!(between.as_ref().map(Position::as_str), expected.as_deref(), "{low:?} {high:?}");
        }
    }

    #[test]
    fn four_thousand_insertions_are_those_of_fractional_indexing() {
        let mut keys: Vec<Position> = Vec::new();
        let (mut random, mut place) = (1_u32, 0);
        for expected in positions::<Vectors>().walk {
            for _ in 0..100 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Every other one is put in beside the one before it.
                if random >> 31 == 1 {
                    place = (random >> 8) as usize % (keys.len() + 1);
                }
                let low = place.checked_sub(1).and_then(|before| keys.get(before));
                keys.insert(place, Position::between(low, keys.get(place)).unwrap());
            }
            assert!(keys.is_sorted_by(|a, b| a < b));
            let text: Vec<_> = keys.iter().map(Position::as_str).collect();
            let hash = digest(&SHA256, text.join(" ").as_bytes());
            let hash: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, expected, "{} keys", keys.len());
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        for refused in positions::<Vectors>().refused {
            assert!(Position::parse(&refused).is_err(), "{refused:?}");
        }
        assert!(Position::parse(&format!("a0{}", "1".repeat(98))).is_ok());
        assert!(Position::parse(&format!("a0{}", "1".repeat(99))).is_err());
    }

    #[test]
    fn there_is_no_room_beyond_a_hundred_bytes() {
        let high = Position::parse("a1").unwrap();
        let mut low = Position::parse("a0").unwrap();
        let mut moves = 0;
        while let Some(next) = Position::between(Some(&low), Some(&high)) {
            (low, moves) = (next, moves + 1);
        }
        assert!(low.0.len() == Position::MAX_BYTES && moves > 400, "{} bytes after {moves} moves", low.0.len());
        assert_eq!(Position::between(Some(&high), Some(&low)), None);
        assert_eq!(Position::between(Some(&high), Some(&high)), None);
    }
}
