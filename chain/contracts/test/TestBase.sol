// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @title What every test starts from
abstract contract TestBase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    // forge looks for this name.
    bool public constant IS_TEST = true;

    /// @dev A contract of the project by its name. Unlike `new` it leaves the contract's code out of the test's, so that
    ///      tests and contracts are compiled beside each other.
    function create(string memory name, bytes memory arguments) internal returns (address made) {
        bytes memory code = abi.encodePacked(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
            if iszero(made) {
                returndatacopy(code, 0x00, returndatasize())
                revert(code, returndatasize())
            }
        }
    }

    function vectors(string memory name) internal view returns (string memory) {
        return vm.readFile(string.concat("../protocol/vectors/", name, ".json"));
    }

    /// @dev The `index`th element's field, in forge's JSON path syntax.
    function item(string memory list, uint256 index, string memory field)
        internal
        pure
        returns (string memory)
    {
        return string.concat(".", list, "[", vm.toString(index), "]", field);
    }

    /// @dev Folds a fuzzed value into a range, both ends included.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        return low + value % (high - low + 1);
    }
}
