// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LivepeerToken} from "../LivepeerToken.sol";
import {TestBase} from "./TestBase.sol";

contract LivepeerTokenTest is TestBase {
    LivepeerToken private _token =
        LivepeerToken(create("LivepeerToken", abi.encode(address(0xA11CE), 1000, address(0x3147))));

    function test_the_supply_is_the_holders() external view {
        vm.assertEq(_token.balanceOf(address(0xA11CE)), 1000);
        vm.assertEq(_token.totalSupply(), 1000);
        vm.assertEq(keccak256(bytes(_token.symbol())), keccak256("LPT"));
        vm.assertEq(keccak256(bytes(_token.name())), keccak256("Livepeer Token"));
        vm.assertEq(_token.decimals(), 18);
    }

    function test_burning_shrinks_the_supply() external {
        vm.prank(address(0xA11CE));
        _token.burn(400);
        vm.assertEq(_token.totalSupply(), 600);
    }

    function test_only_the_minter_creates_more() external {
        vm.expectRevert(abi.encodeWithSelector(LivepeerToken.NotTheMinter.selector, address(this)));
        _token.mint(address(this), 1);
        vm.prank(address(0x3147));
        _token.mint(address(this), 5);
        vm.assertEq(_token.balanceOf(address(this)), 5);
        vm.assertEq(_token.totalSupply(), 1005);
    }

    function test_a_permit_gives_an_allowance() external {
        address owner = vm.addr(7);
        bytes32 permit = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                owner,
                address(this),
                50,
                0,
                block.timestamp
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(7, keccak256(abi.encodePacked(hex"1901", _token.DOMAIN_SEPARATOR(), permit)));
        _token.permit(owner, address(this), 50, block.timestamp, v, r, s);
        vm.assertEq(_token.allowance(owner, address(this)), 50);
    }
}
