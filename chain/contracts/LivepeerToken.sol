// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title The staking token of deployments of our own
/// @notice ERC-20 with permit and burn, 18 decimals, under the name and symbol of the token it stands for.
///         The whole supply is created once; nobody can create more.
contract LivepeerToken is ERC20, ERC20Permit, ERC20Burnable {
    /// @param holder receives the whole supply
    /// @param supply in base units (1e-18 LPT)
    constructor(address holder, uint256 supply) ERC20("Livepeer Token", "LPT") ERC20Permit("Livepeer Token") {
        _mint(holder, supply);
    }
}
