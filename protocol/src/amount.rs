//! Amounts of LPT with their unit: base units inside, decimal strings outside.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decimal places of LPT and of ETH.
const DECIMALS: usize = 18;

/// An amount of LPT in base units (10^-18 LPT); shown and parsed as a decimal number of LPT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lpt(pub U256);

/// What is wrong with an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an amount; expected a decimal number with at most 18 places, such as 12.5")]
pub struct AmountError(String);

impl Lpt {
    /// A whole number of LPT.
    pub fn whole(lpt: u64) -> Self {
        Self(U256::from(lpt) * U256::from(10).pow(U256::from(DECIMALS)))
    }
}

impl fmt::Display for Lpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>width$}", self.0.to_string(), width = DECIMALS + 1);
        let (whole, places) = digits.split_at(digits.len() - DECIMALS);
        let places = places.trim_end_matches('0');
        if places.is_empty() {
            f.write_str(whole)
        } else {
            write!(f, "{whole}.{places}")
        }
    }
}

impl FromStr for Lpt {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let error = || AmountError(text.into());
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(places) || places.len() > DECIMALS {
            return Err(error());
        }
        U256::from_str_radix(&format!("{whole}{places:0<DECIMALS$}"), 10)
            .map(Self)
            .map_err(|_| error())
    }
}

impl Serialize for Lpt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lpt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["0", "1", "12.5", "0.000000000000000001", "1000000.25"] {
            assert_eq!(text.parse::<Lpt>().unwrap().to_string(), text);
        }
        for text in [
            "",
            ".5",
            "1.2.3",
            "-1",
            "1e3",
            "0.0000000000000000001",
            "0x10",
        ] {
            assert!(text.parse::<Lpt>().is_err(), "{text}");
        }
    }
}
