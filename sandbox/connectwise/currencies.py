"""The currencies that a site may bill and buy in, as CurrencyReference rows."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def _currency(number: int, code: str, symbol: str, name: str, decimals: int = 2) -> Row:
    return {
        "id": number,
        "symbol": symbol,
        "currencyCode": code,
        "decimalSeparator": ".",
        "numberOfDecimals": decimals,
        "thousandsSeparator": ",",
        "negativeParenthesesFlag": False,
        "displaySymbolFlag": True,
        "currencyIdentifier": code,
        "displayIdFlag": False,
        "rightAlign": True,
        "name": name,
    }


CURRENCIES: dict[str, Row] = {
    "USD": _currency(7, "USD", "$", "US Dollars"),
    "CAD": _currency(8, "CAD", "C$", "Canadian Dollars"),
    "EUR": _currency(9, "EUR", "€", "Euro"),
    "GBP": _currency(10, "GBP", "£", "Pounds Sterling"),
    "JPY": _currency(11, "JPY", "¥", "Yen", decimals=0),
}
CURRENCY = CURRENCIES["USD"]
