//! Amounts of LPT and ETH with their unit: base units inside, decimal strings outside.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decimal places of LPT and of ETH.
const DECIMALS: usize = 18;

/// What is wrong with an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// No decimal number that base units can express.
    #[error(
        "'{0}' is not an amount; expected a decimal number with at most 18 places, such as 12.5"
    )]
    Number(String),
    /// A number without its unit, or with another one.
    #[error("'{found}' is no amount of {unit}; say the unit, as in '12.5 {unit}'")]
    Unit {
        /// As given.
        found: String,
        /// What is expected.
        unit: &'static str,
    },
}

/// One kind of money: base units (10^-18) in a type of its own, so that none is taken for another.
macro_rules! money {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub U256);

        impl $name {
            /// What people write behind the number.
            pub const UNIT: &'static str = $unit;

            /// A whole number of them.
            pub fn whole(count: u64) -> Self {
                Self(U256::from(count) * U256::from(10).pow(U256::from(DECIMALS)))
            }

            /// Reads an amount that a person typed, with its unit: a bare number might be meant in another one.
            pub fn with_unit(text: &str) -> Result<Self, AmountError> {
                let error = || AmountError::Unit {
                    found: text.into(),
                    unit: $unit,
                };
                let text = text.trim();
                let end = text.len().checked_sub($unit.len()).ok_or_else(error)?;
                match (text.get(..end), text.get(end..)) {
                    (Some(number), Some(unit)) if unit.eq_ignore_ascii_case($unit) => {
                        number.trim_end().parse()
                    }
                    _ => Err(error()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                show(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = AmountError;

            fn from_str(text: &str) -> Result<Self, AmountError> {
                read(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

money!(
    /// An amount of LPT in base units (10^-18 LPT); shown and parsed as a decimal number of LPT.
    Lpt,
    "LPT"
);
money!(
    /// An amount of ETH in wei (10^-18 ETH); shown and parsed as a decimal number of ETH.
    Eth,
    "ETH"
);

fn show(amount: &U256, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let digits = format!("{:0>width$}", amount.to_string(), width = DECIMALS + 1);
    let (whole, places) = digits.split_at(digits.len() - DECIMALS);
    let places = places.trim_end_matches('0');
    if places.is_empty() {
        f.write_str(whole)
    } else {
        write!(f, "{whole}.{places}")
    }
}

fn read(text: &str) -> Result<U256, AmountError> {
    let error = || AmountError::Number(text.into());
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(places) || places.len() > DECIMALS {
        return Err(error());
    }
    U256::from_str_radix(&format!("{whole}{places:0<DECIMALS$}"), 10).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["0", "1", "12.5", "0.000000000000000001", "1000000.25"] {
            assert_eq!(text.parse::<Lpt>().unwrap().to_string(), text);
            assert_eq!(text.parse::<Eth>().unwrap().to_string(), text);
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

    #[test]
    fn a_person_says_the_unit() {
        let half = "12.5".parse::<Lpt>().unwrap();
        for text in ["12.5 LPT", "12.5LPT", " 12.5  lpt "] {
            assert_eq!(Lpt::with_unit(text), Ok(half), "{text}");
        }
        for text in ["12.5", "12.5 ETH", "LPT", "", "1.2.3 LPT", "é LPT", "1é"] {
            assert!(Lpt::with_unit(text).is_err(), "{text}");
        }
        let error = Eth::with_unit("3").unwrap_err().to_string();
        assert_eq!(
            error,
            "'3' is no amount of ETH; say the unit, as in '12.5 ETH'"
        );
        assert_eq!(
            Eth::with_unit("0.01 ETH"),
            Ok(Eth(U256::from(10).pow(U256::from(16))))
        );
    }
}
