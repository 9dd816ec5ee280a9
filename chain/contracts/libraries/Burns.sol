// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Taking tokens out of the world, also where the token does not let everybody burn
/// @notice A deployment may stake an LPT that exists, and one that leaves `burn` to accounts of a role must not hold
///         up a slash: what cannot be burned goes where nobody has the key. The supply then does not fall by it.
library Burns {
    using SafeERC20 for IERC20;

    /// Where explorers expect what is lost on purpose.
    address internal constant SINK = 0x000000000000000000000000000000000000dEaD;

    function destroy(ERC20Burnable token, uint256 amount) internal {
        // Nobody chooses the sink by giving too little gas: what a failed call leaves is too little for a transfer.
        try token.burn(amount) {}
        catch {
            IERC20(address(token)).safeTransfer(SINK, amount);
        }
    }
}
