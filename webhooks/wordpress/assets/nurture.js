/* Remember the first and the last campaign that brought a visitor, and tell the forms. */
( function () {
	'use strict';
	var name = 'nurture_visit';
	var forms = '.nurture-form, .wpcf7-form, form[id^="gform_"], .elementor-form, .wpforms-form, .frm-fluent-form';
	var visit = {};

	function read() {
		var found = document.cookie.match( new RegExp( '(?:^|; )' + name + '=([^;]*)' ) );
		try {
			return found ? JSON.parse( decodeURIComponent( found[ 1 ] ) ) || {} : {};
		} catch ( error ) {
			return {};
		}
	}

	function campaign() {
		var utm = {};
		var any = false;
		new URLSearchParams( window.location.search ).forEach( function ( value, key ) {
			if ( /^utm_[a-z_]{1,40}$/.test( key ) && value ) {
				utm[ key ] = value.slice( 0, 200 );
				any = true;
			}
		} );
		return any ? utm : null;
	}

	function tell( form ) {
		var field = form.querySelector( 'input[name="nurture_visit"]' );
		if ( ! field ) {
			field = document.createElement( 'input' );
			field.type = 'hidden';
			field.name = 'nurture_visit';
			form.appendChild( field );
		}
		field.value = JSON.stringify( visit );
	}

	function tellAll() {
		document.querySelectorAll( forms ).forEach( tell );
	}

	var now = campaign();
	visit = window.nurtureRemember ? read() : {};
	if ( now ) {
		visit.first = visit.first || now;
		visit.last = now;
	}
	try {
		visit.tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
	} catch ( error ) {
		visit.tz = '';
	}
	if ( window.nurtureRemember && ( now || visit.first ) ) {
		document.cookie = name + '=' + encodeURIComponent( JSON.stringify( visit ) ) +
			'; path=/; max-age=7776000; SameSite=Lax' + ( 'https:' === window.location.protocol ? '; Secure' : '' );
	}
	if ( 'loading' === document.readyState ) {
		document.addEventListener( 'DOMContentLoaded', tellAll );
	} else {
		tellAll();
	}
	// Forms in pop-ups are added later.
	document.addEventListener( 'focusin', function ( event ) {
		var form = event.target.closest ? event.target.closest( forms ) : null;
		if ( form ) {
			tell( form );
		}
	} );
}() );
