// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title The staking token of deployments of our own
/// @notice ERC-20 with permit and burn, 18 decimals, under the name and symbol of the token it stands for.
///         After the first supply only the minter creates more, by its rules.
contract LivepeerToken is ERC20, ERC20Permit, ERC20Burnable {
    /// Only the minter may do this.
    error NotTheMinter(address caller);

    /// The only account that creates tokens; zero if nobody does.
    address public immutable minter;

    /// @param holder receives the first supply
    /// @param supply in base units (1e-18 LPT)
    /// @param minter_ may create more, forever
    constructor(address holder, uint256 supply, address minter_)
        ERC20("Livepeer Token", "LPT")
        ERC20Permit("Livepeer Token")
    {
        minter = minter_;
        _mint(holder, supply);
    }

    /// @notice Creates `amount` base units for `to`; the minter's alone.
    function mint(address to, uint256 amount) external {
        if (msg.sender != minter) revert NotTheMinter(msg.sender);
        _mint(to, amount);
    }
}
