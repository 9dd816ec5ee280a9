//! Amounts of ETH as configuration files write them.

use assay_protocol::U256;
use assay_protocol::amount::Lpt;
use serde::{Deserialize, Serialize};

/// An amount of ETH in wei; written as `"0.5 ETH"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ether(pub U256);

impl TryFrom<String> for Ether {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // ETH and LPT have the same 18 places.
        let amount = text
            .strip_suffix("ETH")
            .map(|number| number.trim().parse::<Lpt>());
        match amount {
            Some(Ok(Lpt(wei))) => Ok(Self(wei)),
            _ => Err(format!(
                "{text:?} is no amount of ETH; expected for instance \"0.5 ETH\""
            )),
        }
    }
}

impl From<Ether> for String {
    fn from(amount: Ether) -> Self {
        format!("{} ETH", Lpt(amount.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_needs_its_unit() {
        let read = |text: &str| Ether::try_from(text.to_owned());
        let half = read("0.5 ETH").unwrap();
        assert_eq!(half.0, U256::from(5) * U256::from(10).pow(U256::from(17)));
        assert_eq!(String::from(half), "0.5 ETH");
        for text in ["0.5", "0.5 LPT", "ETH", "-1 ETH", "1 wei"] {
            assert!(read(text).unwrap_err().contains("0.5 ETH"), "{text}");
        }
    }
}
