//! Amounts, prices and parts as people type them: always with their unit.

use assay_protocol::U256;
use assay_protocol::amount::{AmountError, Eth, Lpt};

/// Why words are no amount, price or part.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// An amount of nothing, in this unit.
    #[error("0 {0} change nothing; name an amount above 0")]
    Zero(&'static str),
    /// No price of a pixel.
    #[error(
        "'{0}' is no price of a pixel; say whole wei with the unit, as in '80 wei' or '0.5 gwei', 18 ETH at most"
    )]
    Price(String),
    /// No part of a whole.
    #[error(
        "'{0}' is no part; say it in percent, with two places at most, as in 12.5%, up to 100%"
    )]
    Part(String),
}

/// Joins what a shell has split: `12.5 LPT` may come as one word or two.
pub fn lpt(words: &[String]) -> Result<Lpt, UnitError> {
    let amount = Lpt::with_unit(&words.join(" "))?;
    positive(amount, amount.0, Lpt::UNIT)
}

/// The same for ETH, which may be said in wei and gwei too.
pub fn eth(words: &[String]) -> Result<Eth, UnitError> {
    let text = words.join(" ");
    let amount = match wei(&text) {
        Some(wei) => Eth(wei),
        None => Eth::with_unit(&text)?,
    };
    positive(amount, amount.0, Eth::UNIT)
}

fn positive<T>(amount: T, base: U256, unit: &'static str) -> Result<T, UnitError> {
    match base.is_zero() {
        true => Err(UnitError::Zero(unit)),
        false => Ok(amount),
    }
}

/// A price of a pixel in wei: `80 wei`, `0.5 gwei`, `0.00000001 ETH`; `0 wei` for work that is done for its mint.
pub fn price(words: &[String]) -> Result<u64, UnitError> {
    let text = words.join(" ");
    let price = wei(&text).and_then(|wei| u64::try_from(wei).ok());
    price.ok_or(UnitError::Price(text))
}

/// A whole number of wei, said in wei, gwei or ETH.
fn wei(text: &str) -> Option<U256> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let places = match unit.trim().to_ascii_lowercase().as_str() {
        "wei" => 0,
        "gwei" => 9,
        "eth" => 18,
        _ => return None,
    };
    // As ETH with the point moved: base units of ETH are wei.
    let eth: Eth = number.trim().parse().ok()?;
    let (wei, rest) = eth.0.div_rem(U256::from(10).pow(U256::from(18 - places)));
    rest.is_zero().then_some(wei)
}

/// A part in basis points: `10%`, `2.5 %`.
pub fn percent(text: &str) -> Result<u16, UnitError> {
    let error = || UnitError::Part(text.into());
    let number = text.trim().strip_suffix('%').ok_or_else(error)?.trim_end();
    let (whole, places) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || places.len() > 2 {
        return Err(error());
    }
    let digits = format!("{whole}{places:0<2}");
    let digits = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let bps = digits
        .and_then(|d| d.parse::<u16>().ok())
        .filter(|bps| *bps <= 10_000);
    bps.ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(Into::into).collect()
    }

    #[test]
    fn prices_have_units() {
        let price = |text| price(&words(text)).ok();
        assert_eq!(price("80 wei"), Some(80));
        assert_eq!(price("80wei"), Some(80));
        assert_eq!(price("0.5 gwei"), Some(500_000_000));
        assert_eq!(price("0.00000001 ETH"), Some(10_000_000_000));
        assert_eq!(price("0 wei"), Some(0));
        for text in ["80", "1.5 wei", "1 finney", "19 ETH", "", "wei"] {
            assert_eq!(price(text), None, "{text}");
        }
    }

    #[test]
    fn parts_are_percent() {
        assert_eq!(percent("10%"), Ok(1_000));
        assert_eq!(percent("2.5 %"), Ok(250));
        assert_eq!(percent("100%"), Ok(10_000));
        for text in ["10", "101%", "1.234%", "%", "-1%", "1e1%"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_not_bare() {
        assert_eq!(lpt(&words("12.5 LPT")).unwrap().to_string(), "12.5");
        assert!(lpt(&words("12.5")).is_err());
        assert_eq!(lpt(&words("0 LPT")), Err(UnitError::Zero("LPT")));
        assert!(eth(&words("1 LPT")).is_err() && eth(&words("0.01ETH")).is_ok());
        assert_eq!(eth(&words("5 gwei")), Ok(Eth(U256::from(5_000_000_000u64))));
        assert!(eth(&words("5")).is_err() && eth(&words("0 gwei")).is_err());
    }
}
