// All words of the page, in each language. A key that is missing in one falls back to English.
import { english } from "/words-en.js";
import { chinese } from "/words-zh.js";

export const WORDS = { en: english, zh: chinese };
