"""How much of a portal one caller may use: requests in a leaky bucket, running time in ten minutes.

Source: https://apidocs.bitrix24.com/limits.html; contract 5.9, 5.10
"""
