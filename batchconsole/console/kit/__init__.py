"""Building blocks of pages: form parts, fields, tables, links, charts, amounts. They know no page and no model row."""
