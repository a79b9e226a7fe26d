"""The policy file: YAML in, `wiresniff.model.policy.Policy` out.

`schema` is the table of keys: what each is called, what it takes, what it means, its default. `load` composes the
file into YAML nodes (which know their lines; values are never constructed by YAML), walks them along the table and
stops at the first mistake with one sentence: file, line, what is wrong, what to type instead. `reference` prints the
table. Nothing is guessed and nothing is ignored: a key that is not in the table is an error.

Refused on purpose: YAML tags, several documents in a file, merge keys, numbers that are not plain decimals (YAML 1.1
reads `22:22` as 1342). Aliases are fine, but every use counts.
"""
