"""What pages are made of: form parts, fields, tables, links, charts, amounts. It knows no page and no row."""
